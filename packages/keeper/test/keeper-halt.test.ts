import { existsSync } from 'node:fs';
import { byCategory, type CrashPolicy, type HaltPolicy, halt, terminate } from '@securemem/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Keeper } from '../src/index.js';
import { bytes, killNow, openSubject, quickRetry, rejectionOf, text } from './open-subject.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Kills a keeper whose standard error stays open in the hands of a child, and returns when its exit is known here but its
 * end is not told yet: that is when the pipes close, or a timer no longer waits for them. The exit status is
 * taken, and the entry in `/proc` goes, in the same turn of the loop as the exit is told, so no timer comes between.
 */
async function killWithPipesOpen(keeper: Keeper): Promise<void> {
  const child = Number(text(await keeper.call('leaveStranger')));
  onTestFinished(() => void process.kill(child, 'SIGKILL'));
  const { pid } = keeper.stats();
  killNow(keeper);
  while (existsSync(`/proc/${pid}`)) await nextTurn();
  expect(keeper.stats().pid).toBe(pid);
}

const POLICIES: readonly [string, (shared: HaltPolicy) => CrashPolicy][] = [
  ['restart it', (shared) => quickRetry({ then: shared })],
  ['lose it', (shared) => byCategory({ 'external-kill': terminate(), default: shared })],
  ['halt it', (shared) => shared],
];

describe('S6 a keeper that others halt between its exit and the end of its pipes', () => {
  it.each(POLICIES)('stays halted where its own crash would %s', async (_, policyWith) => {
    const shared = halt();
    const keeper = await openSubject({ crashPolicy: policyWith(shared) });
    let halts = 0;
    keeper.on('halt', () => halts++);
    const once = rejectionOf(keeper.call('hold'));
    const repeatable = rejectionOf(keeper.call('hold', bytes('x'), { idempotent: true }));
    await killWithPipesOpen(keeper);

    const cause = new Error('another keeper crashed');
    shared.latch.trip(cause);
    expect(keeper.stats().state).toBe('halted');
    while (keeper.stats().pid !== 0) await nextTurn();

    expect(keeper.stats()).toMatchObject({ state: 'halted', generation: 1, replays: 0 });
    expect(await repeatable).toBe(cause);
    expect(await once).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN', cause });
    const later = await rejectionOf(keeper.call('echo'));
    expect(later).toMatchObject({ code: 'ERR_SECMEM_KEEPER_HALTED', cause });
    await keeper.close();
    expect(keeper.stats()).toMatchObject({ state: 'halted', generation: 1, crashes: 1 });
    expect(halts).toBe(1);
  });
});
