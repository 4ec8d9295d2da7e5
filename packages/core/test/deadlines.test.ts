import { describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../src/store/deadlines.js';
import { sleep } from './fixture.js';

const LONG_MS = 1_000_000;

/** Deadlines, the names that ended, and a wait for as many of them. */
function watched() {
  const ended: string[] = [];
  const deadlines = new Deadlines((name) => ended.push(name));
  const until = async (count: number): Promise<string[]> => {
    while (ended.length < count) await sleep(1);
    return ended;
  };
  return { deadlines, until };
}

describe('deadlines', () => {
  it('end in the order of their times, in whatever order they were set', async () => {
    const { deadlines, until } = watched();
    // All of them in one moment: a machine that pauses between two would make others of them.
    const moment = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (const ms of [30, 10, 20, 5, 25, 15]) deadlines.set(ms, `after ${ms}`, ms);
    moment.mockRestore();
    const order = [5, 10, 15, 20, 25, 30].map((ms) => `after ${ms}`);
    expect(await until(6)).toEqual(order);
  });

  it('that were withdrawn or moved do not end', async () => {
    const { deadlines, until } = watched();
    deadlines.set(1, 'withdrawn', 5);
    deadlines.set(2, 'moved', 5);
    deadlines.set(3, 'last', 40);
    deadlines.delete(1);
    deadlines.delete(1);
    deadlines.set(2, 'moved', LONG_MS);
    expect(await until(1)).toEqual(['last']);
    expect([deadlines.isPast(1), deadlines.isPast(2)]).toEqual([false, false]);
    deadlines.clear();
  });

  it('are kept when many others were withdrawn', async () => {
    const { deadlines, until } = watched();
    for (let id = 1; id <= 300; id++) deadlines.set(id, `${id}`, LONG_MS + id);
    deadlines.set(301, 'near', 20);
    deadlines.set(302, 'nearer', 10);
    for (let id = 1; id <= 299; id++) deadlines.delete(id);
    expect(await until(2)).toEqual(['nearer', 'near']);
    expect(deadlines.isPast(300)).toBe(false);
    deadlines.clear();
  });

  it('are past by the clock, though the timer has not come to them', () => {
    const { deadlines } = watched();
    deadlines.set(1, 'due', 1);
    const until = performance.now() + 2;
    while (performance.now() < until);
    expect(deadlines.isPast(1)).toBe(true);
    deadlines.clear();
    expect(deadlines.isPast(1)).toBe(false);
  });

  it('none of which is left set no timer', async () => {
    const { deadlines, until } = watched();
    deadlines.set(1, 'only', 1);
    expect(await until(1)).toEqual(['only']);
    deadlines.clear();
    deadlines.set(2, 'again', 1);
    expect(await until(2)).toEqual(['only', 'again']);
  });
});
