import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Call } from '../src/supervisor/call.js';
import { CallQueue } from '../src/supervisor/call-queue.js';

const CALL_MS_MAX = 1_000;

/** Times are simulated: nothing here depends on the speed of the machine. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A call that begins now, and the time after which it was given up. */
function newCall(givenUpMs: Map<string, number>, name: string): Call {
  const startedAtMs = performance.now();
  return new Call(
    name,
    new Uint8Array(),
    undefined,
    () => {},
    () => givenUpMs.set(name, Math.round(performance.now() - startedAtMs)),
  );
}

describe('CallQueue', () => {
  it('gives a call up after callMsMax, with older and younger ones around it', () => {
    const givenUpMs = new Map<string, number>();
    const queue = new CallQueue(CALL_MS_MAX);
    for (const name of ['first', 'second', 'third']) {
      queue.push(newCall(givenUpMs, name));
      vi.advanceTimersByTime(100);
    }
    vi.advanceTimersByTime(10 * CALL_MS_MAX);
    expect([...givenUpMs.values()]).toEqual([CALL_MS_MAX, CALL_MS_MAX, CALL_MS_MAX]);
    expect(queue.length).toBe(0);
  });

  it('S8 gives an older call that is put back in front up in its own time, not in that of a younger one', () => {
    const givenUpMs = new Map<string, number>();
    const queue = new CallQueue(CALL_MS_MAX);
    const sentBefore = newCall(givenUpMs, 'sent before');
    vi.advanceTimersByTime(900);
    queue.push(newCall(givenUpMs, 'younger'));
    queue.unshift([sentBefore]);
    vi.advanceTimersByTime(10 * CALL_MS_MAX);
    expect([...givenUpMs]).toEqual([
      ['sent before', CALL_MS_MAX],
      ['younger', CALL_MS_MAX],
    ]);
    expect(queue.length).toBe(0);
  });
});
