import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { confine, proveConfinement } from '@securemem/confined';
import { type Files, serviceCommand, TOKEN } from './service.js';

/** The built service as a process of its own. */
export class ServiceProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it said on its standard error so far. */
  stderr = '';

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  /** Resolves once it listens; rejects when it ends before that. `confined` puts it under 64 KiB of locked memory. */
  static async start(
    files: Files,
    more: readonly string[] = [],
    confined = false,
  ): Promise<ServiceProcess> {
    const args = serviceCommand(files, more);
    const line = confined
      ? confine(process.execPath, args, CONFINEMENT)
      : { command: process.execPath, args };
    const child = spawn(line.command, line.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', (text) => {
        resolve(text.replace('signer: listening on ', ''));
      });
      child.once('close', (code) => reject(new Error(`the service ended with code ${code}`)));
    });
    const service = new ServiceProcess(child, url);
    child.stderr.on('data', (chunk) => {
      service.stderr += String(chunk);
    });
    return service;
  }

  /** The lines of its log that are no mere information. */
  get problems(): string[] {
    const lines = this.stderr.split('\n').filter(Boolean);
    return lines.filter((line) => !/^\{"level":"(info|warn)"/.test(line));
  }

  post(path: string, body?: unknown, more: Record<string, string> = {}): Promise<Response> {
    const authorization = `Bearer ${TOKEN}`;
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: {
        authorization,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Sends the signal and resolves with the exit code when it is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    return (await closed)[0] as number | null;
  }
}

const CONFINEMENT = {
  memlockByteLength: 65_536,
  as: process.getuid?.() === 0 ? 'root' : 'user',
} as const;

/** Why this machine cannot confine, or nothing. */
export function unconfinedBecause(): string | undefined {
  const proof = proveConfinement(CONFINEMENT);
  return proof.proven ? undefined : proof.reason;
}
