import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CRASH_CATEGORIES, type RetryOptions, type RetryPolicy, retry } from '@securemem/core';
import { afterEach } from 'vitest';
import { type Keeper, type KeeperOptions, openKeeper } from '../src/index.js';

export const SUBJECT = new URL('./modules/subject.mjs', import.meta.url);

const open: Keeper[] = [];
const directories: string[] = [];

/** Opens the test subject, or another module, and ends it after the test, whatever became of it. */
export async function openSubject(options: Partial<KeeperOptions> = {}): Promise<Keeper> {
  const keeper = await openKeeper({ module: SUBJECT, ...options });
  open.push(keeper);
  return keeper;
}

/** A path for a file that does not exist yet, in a directory that goes with the test. */
export function freshFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-keeper-'));
  directories.push(directory);
  return join(directory, 'lines');
}

export function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** Answers every kind of crash with a restart after a few milliseconds. */
export function quickRetry(options: RetryOptions = {}): RetryPolicy {
  return retry({
    backoff: { baseMs: 2, capMs: 4 },
    categories: CRASH_CATEGORIES,
    retryShutdowns: true,
    ...options,
  });
}

/** Resolves with what the next event of that name reports. */
export function nextEvent<Name extends 'crash' | 'restart' | 'halt'>(
  keeper: Keeper,
  name: Name,
): Promise<import('../src/index.js').KeeperEvents[Name]> {
  return new Promise((resolve) => {
    const listener = (report: import('../src/index.js').KeeperEvents[Name]): void => {
      keeper.off(name, listener);
      resolve(report);
    };
    keeper.on(name, listener);
  });
}

/** What a promise rejects with; an error of ours where it does not. */
export function rejectionOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => new Error('it was fulfilled'),
    (error) => error as Error,
  );
}

export function killNow(keeper: Keeper, signal: NodeJS.Signals = 'SIGKILL'): void {
  process.kill(keeper.stats().pid, signal);
}

/** Whether a process runs. One that is dead and waits for somebody to look at its status does not. */
export function isAlive(pid: number): boolean {
  try {
    const [, state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    return state?.[0] !== 'Z';
  } catch {
    return false;
  }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((keeper) => keeper.kill()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});
