import { terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import type { KeeperOptions } from '../src/index.js';
import { nextEvent, openSubject, rejectionOf, text } from './open-subject.js';

const FLOODS = new URL('./modules/floods.mjs', import.meta.url);
const PROBE = new URL('./modules/probe.mjs', import.meta.url);
const MIB = 1024 * 1024;

/** A host function that gives a MiB, and how many of them ran at once and in all. */
function counted(turns: number) {
  const counts = { running: 0, runningMax: 0, started: 0 };
  const act = async (payload: Uint8Array) => {
    counts.started++;
    counts.running++;
    counts.runningMax = Math.max(counts.runningMax, counts.running);
    for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve));
    counts.running--;
    return new Uint8Array(new ArrayBuffer(MIB)).fill(payload[0] ?? 0);
  };
  return { counts, act };
}

const open = (options: Partial<KeeperOptions>) =>
  openSubject({ crashPolicy: terminate(), ...options });

describe('SEC9 a keeper that asks its host', () => {
  it.each(['unanswered', 'unconfirmed', 'unread'])(
    'more than it may is a protocol crash, and costs the host no more than hostCallsMax (%s)',
    async (FLOOD) => {
      const { counts, act } = counted(FLOOD === 'unread' ? 0 : 50);
      const keeper = await open({ module: FLOODS, env: { FLOOD }, host: { act }, hostCallsMax: 4 });
      const crashed = nextEvent(keeper, 'crash');
      const call = rejectionOf(keeper.call('flood'));
      expect(await crashed).toMatchObject({ category: 'protocol', signal: 'SIGKILL' });
      expect(await call).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
      expect(counts.runningMax).toBeLessThanOrEqual(4);
      // What the kernel takes without anybody reading is about 200 KiB, and a batch or two of ours.
      expect(counts.started).toBeLessThanOrEqual(8);
    },
  );

  it('for more at once than hostCallsMax is served in its turn, every call once', async () => {
    const { counts, act } = counted(1);
    const keeper = await open({ module: PROBE, host: { act }, hostCallsMax: 8 });
    const answers = JSON.parse(
      text(await keeper.call('ask', new Uint8Array(new Uint32Array([100]).buffer))),
    );
    expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => [MIB, n, n]));
    expect(counts).toMatchObject({ running: 0, started: 100 });
    expect(counts.runningMax).toBeLessThanOrEqual(8);
    expect(keeper.stats()).toMatchObject({ state: 'ready', hostCalls: 100 });
  });

  it('for more than may wait in itself gets a RangeError there', async () => {
    const { act } = counted(1);
    const keeper = await open({ module: PROBE, host: { act }, hostCallsMax: 1, callsMax: 2 });
    const ask = (n: number) => keeper.call('ask', new Uint8Array(new Uint32Array([n]).buffer));
    expect((await rejectionOf(ask(3))).message).toContain('more than 2 calls at once');
  });
});
