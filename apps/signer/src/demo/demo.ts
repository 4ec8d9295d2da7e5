import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { confine, proveConfinement } from '@securemem/confined';
import { zero } from '@securemem/core/contract';

/** The lock limit of the demonstration: the smallest default in the field. */
export const DEMO_LIMIT_BYTE_LENGTH = 65_536;

/** This file is bundled into dist, beside the service. */
const SERVICE = fileURLToPath(new URL('./main.js', import.meta.url));

export interface Demo {
  /** Without a path, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly token: string;
  /** With the token in its fragment, which no browser sends anywhere. */
  readonly dashboardUrl: string;
  /** In a sentence: what limits the service. */
  readonly confinement: string;
  readonly confined: boolean;
  /** Resolves with the exit code when the service ended by itself or by a signal to the whole group. */
  readonly ended: Promise<number>;
  /** Ends the service in order, and removes the throw-away files. */
  stop(): Promise<number>;
}

/** Starts the service as a child on throw-away files. Rejects when it does not come up. */
export async function startDemo(port: number): Promise<Demo> {
  const directory = mkdtempSync(join(tmpdir(), 'signer-demo-'));
  const token = randomBytes(24).toString('base64url');
  writeSecrets(directory, token);
  const { child, confined, confinement } = spawnService(serviceArguments(directory, port));
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  }).finally(() => rmSync(directory, { recursive: true, force: true }));
  // Ctrl+C reaches the service too; this program only has to outlive it.
  process.on('SIGINT', () => {});
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  const url = await listening(child, ended);
  return {
    url,
    token,
    dashboardUrl: `${url}/#token=${token}`,
    confinement,
    confined,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

function writeSecrets(directory: string, token: string): void {
  const masterKey = randomFillSync(new Uint8Array(new ArrayBuffer(32)));
  writeFileSync(join(directory, 'master-key'), masterKey, { mode: 0o600 });
  zero(masterKey);
  writeFileSync(join(directory, 'token'), token, { mode: 0o600 });
}

function serviceArguments(directory: string, port: number): string[] {
  return [
    SERVICE,
    ...['--database', join(directory, 'keys.db')],
    ...['--token-file', join(directory, 'token')],
    ...['--master-key-file', join(directory, 'master-key')],
    ...['--budget', `${DEMO_LIMIT_BYTE_LENGTH}`],
    ...['--signing', 'keeper'],
    ...['--approval', '5'],
    ...['--port', `${port}`],
    '--demonstration',
  ];
}

function spawnService(args: readonly string[]) {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  const as = process.getuid?.() === 0 ? 'root' : 'user';
  const limit = { memlockByteLength: DEMO_LIMIT_BYTE_LENGTH, as } as const;
  const proof = proveConfinement(limit);
  const kib = DEMO_LIMIT_BYTE_LENGTH / 1_024;
  if (!proof.proven) {
    const child = spawn(process.execPath, args, { stdio });
    const confinement = `The service keeps to ${kib} KiB by its own budget; the system does not enforce it: ${proof.reason}.`;
    return { child, confined: false, confinement };
  }
  const line = confine(process.execPath, args, limit);
  const child = spawn(line.command, line.args, { stdio });
  return {
    child,
    confined: true,
    confinement: `The system allows the service ${kib} KiB of locked memory.`,
  };
}

/** The address that the service prints once it listens. */
function listening(child: ChildProcess, ended: Promise<number>): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('the service has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /listening on (http:\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('error', reject);
    ended.then((code) => reject(new Error(`the service ended with code ${code}`)), reject);
  });
}
