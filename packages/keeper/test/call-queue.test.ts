import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Call } from '../src/supervisor/call.js';
import { CallQueue } from '../src/supervisor/call-queue.js';
import { HeardClock } from '../src/supervisor/heard-clock.js';

const CALL_MS_MAX = 1_000;

/** What the clock and its four looks may add: a call is never given up early, and not much later. */
const LATE_MS_MAX = 200;

/** Times are simulated: nothing here depends on the speed of the machine. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function newCall(name: string): Call {
  const options = { signal: undefined, idempotent: true, secret: false, callMsMax: CALL_MS_MAX };
  return new Call(
    name,
    new Uint8Array(),
    options,
    () => {},
    () => {},
  );
}

/** A queue, and how long each call that it gave up had waited in it. */
function newQueue(): { queue: CallQueue; waited: Map<string, number> } {
  const waited = new Map<string, number>();
  const queue = new CallQueue(new HeardClock(), (call, waitedMs) =>
    waited.set(call.operation, waitedMs),
  );
  return { queue, waited };
}

function expectInTime(waited: Map<string, number>, names: readonly string[]): void {
  expect([...waited.keys()]).toEqual(names);
  for (const waitedMs of waited.values()) {
    expect(waitedMs).toBeGreaterThanOrEqual(CALL_MS_MAX);
    expect(waitedMs).toBeLessThanOrEqual(CALL_MS_MAX + LATE_MS_MAX);
  }
}

describe('CallQueue', () => {
  it('gives a call up after callMsMax, with older and younger ones around it', () => {
    const { queue, waited } = newQueue();
    for (const name of ['first', 'second', 'third']) {
      queue.push(newCall(name));
      vi.advanceTimersByTime(200);
    }
    vi.advanceTimersByTime(10 * CALL_MS_MAX);
    expectInTime(waited, ['first', 'second', 'third']);
    expect(queue.length).toBe(0);
  });

  it('S8 KS12 counts what a call waited here, not what it spent in the keeper before', () => {
    const { queue, waited } = newQueue();
    const sentBefore = newCall('sent before');
    vi.advanceTimersByTime(900);
    queue.push(newCall('waited longer'));
    vi.advanceTimersByTime(300);
    queue.unshift([sentBefore]);
    expect(queue.shift()).toBe(sentBefore);
    queue.unshift([sentBefore]);
    vi.advanceTimersByTime(10 * CALL_MS_MAX);
    expectInTime(waited, ['waited longer', 'sent before']);
    expect(queue.length).toBe(0);
  });

  it('keeps its length right when calls are settled by somebody else, taken and given up', () => {
    const { queue, waited } = newQueue();
    const calls = ['a', 'b', 'c', 'd'].map(newCall);
    for (const call of calls) queue.push(call);
    calls[1]?.reject(new Error('aborted'));
    queue.dropped();
    expect(queue.length).toBe(3);
    expect(queue.shift()).toBe(calls[0]);
    expect(queue.takeAll()).toEqual([calls[2], calls[3]]);
    vi.advanceTimersByTime(10 * CALL_MS_MAX);
    expect([waited.size, queue.length]).toEqual([0, 0]);
  });
});
