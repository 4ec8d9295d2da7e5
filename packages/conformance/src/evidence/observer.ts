import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownProperties } from '@securemem/core/contract';
import { childUrl } from '../child-url.js';
import { Unmet } from '../expectation.js';
import { NotProven } from './evidence.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The other process that looks at this one. Started with the first question. */
export class Observer {
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #lastId = 0;
  #hasSeen = false;
  readonly #waiting = new Map<number, Waiting>();

  /** Looks once, so that it is known whether looking is possible here at all. */
  async begin(): Promise<void> {
    try {
      await this.ask('counts');
      this.#hasSeen = true;
    } catch {
      // Whoever asks later is told, and told why.
    }
  }

  async ask<Result>(operation: string, request: object = {}): Promise<Result> {
    const child = this.#start();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    child.stdin?.write(`${JSON.stringify({ id, operation, ...request })}\n`);
    child.ref();
    try {
      return (await answer) as Result;
    } finally {
      // A suite that is interrupted must not be kept alive by the one who watches it.
      if (this.#waiting.size === 0) child.unref();
    }
  }

  /** Ends the other process and waits until it is gone. */
  async close(): Promise<void> {
    this.#child?.ref();
    this.#child?.stdin?.end();
    await this.#ended;
    this.#child = undefined;
  }

  #start(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'inherit'], env: {} };
    const program = fileURLToPath(childUrl('observer'));
    const child = spawn(process.execPath, [program], ownProperties(options, 'options'));
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#fail(new NotProven(`no other process can be started here (${error.code})`)),
    );
    child.once('close', () => this.#fail(new Error('the observing process ended')));
    for (const pipe of [child.stdin, child.stdout]) (pipe as Partial<Socket>).unref?.();
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#answer(ownProperties(JSON.parse(line), 'the answer')),
    );
    return child;
  }

  #answer({ id, result, error }: { id: number; result?: unknown; error?: string }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else if (/EACCES|EPERM/.test(error)) {
      waiting?.reject(
        this.#hasSeen
          ? new Unmet(
              `since the backend was loaded no other process may look at this one: ${error}`,
            )
          : new NotProven(`another process may not look at this one: ${error}`),
      );
    } else waiting?.reject(new Error(error));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
