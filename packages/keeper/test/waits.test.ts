import { terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { FrameKind } from '../src/channel/frame.js';
import type { Keeper, KeeperOptions } from '../src/index.js';
import { MemoryWait } from '../src/supervisor/memory-wait.js';
import { frame } from './frames.js';
import { killNow, nextEvent, openSubject, rejectionOf, text } from './open-subject.js';
import { RawKeeper } from './raw-keeper.js';

const MODULE = new URL('./modules/waits.mjs', import.meta.url);
const CALL_MS_MAX = 500;

const openWaits = (options: Partial<KeeperOptions> = {}): Promise<Keeper> =>
  openSubject({ module: MODULE, crashPolicy: terminate(), callMsMax: CALL_MS_MAX, ...options });

/** Far more turns of the host than a call may take. */
async function manyTurns(): Promise<void> {
  for (let n = 0; n < 40; n++) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** As long as a page has room for. */
const key = (byteLength = 4_000): Uint8Array => new Uint8Array(new ArrayBuffer(byteLength)).fill(7);
const allZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe('KS7 a call that waits for locked memory in its turn', () => {
  it.each(['take', 'takeLater', 'takeThrice'])('is no hang (%s)', async (operation) => {
    const keeper = await openWaits();
    expect(text(await keeper.call('takeAll'))).toBe('2');
    const waiting = keeper.call(operation);
    await manyTurns();
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0, openCalls: 1 });
    await keeper.call('free');
    expect(text(await waiting)).toBe('took');
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0, openCalls: 0 });
  });

  it('excuses nobody else: one that hangs beside it is killed in its time', async () => {
    const keeper = await openWaits();
    await keeper.call('takeAll');
    const crashed = nextEvent(keeper, 'crash');
    const waiting = rejectionOf(keeper.call('take'));
    const hanging = rejectionOf(keeper.call('hold'));
    expect(await crashed).toMatchObject({ category: 'hang', signal: 'SIGKILL' });
    for (const error of await Promise.all([waiting, hanging])) {
      expect(error.code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
    }
  });

  it('is asked again, and hangs where its keeper is stopped meanwhile', async () => {
    const keeper = await openWaits();
    await keeper.call('takeAll');
    const waiting = rejectionOf(keeper.call('take'));
    await keeper.call('echo');
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper, 'SIGSTOP');
    expect(await crashed).toMatchObject({ category: 'hang', signal: 'SIGKILL' });
    expect((await waiting).code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
  });

  it.each([0, 300])(
    'hangs once it has waited for longer than waitMsMax (%i)',
    async (waitMsMax) => {
      const keeper = await openWaits({ waitMsMax });
      await keeper.call('takeAll');
      const crashed = nextEvent(keeper, 'crash');
      const waiting = rejectionOf(keeper.call('take'));
      expect(await crashed).toMatchObject({ category: 'hang' });
      expect((await waiting).code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
    },
  );

  it('waits for nobody once it was answered, and is told no more', async () => {
    const keeper = await openWaits();
    await keeper.call('takeAll');
    expect(text(await keeper.call('takeUnheard'))).toBe('answered');
    await keeper.call('free');
    expect(text(await keeper.call('take'))).toBe('took');
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0 });
  });

  it('answers its host only while it waits', async () => {
    const keeper = new RawKeeper();
    keeper.greet({ moduleUrl: String(MODULE) });
    const index = (name: string): Promise<number> => keeper.indexOf(name);
    const call = (id: number, at: number) => frame({ kind: FrameKind.call, id, index: at });
    const ask = (id: number) => frame({ kind: FrameKind.ask, id });
    keeper.send(call(1, await index('takeAll')), call(2, await index('take')));
    expect(await keeper.frameOf(FrameKind.waits)).toMatchObject({ id: 2 });
    keeper.send(call(3, await index('hold')), ask(2), ask(3), ask(4), call(5, await index('free')));
    await keeper.frameOf(FrameKind.waitOver);
    keeper.send(ask(2), call(6, await index('echo')));
    while (!keeper.told.some(({ id }) => id === 6)) await new Promise((go) => setImmediate(go));
    const told = keeper.told.filter(({ kind }) => kind >= FrameKind.waits);
    expect(told.map(({ kind, id }) => [kind, id])).toEqual([
      [FrameKind.waits, 2],
      [FrameKind.waits, 2],
      [FrameKind.waitOver, 2],
    ]);
  });
});

describe('SEC2 a keeper that says of waits', () => {
  it.each([
    ['that no call waits', { kind: FrameKind.waits, id: 99 }],
    ['an end that had no beginning', { kind: FrameKind.waitOver, id: 1 }],
    ['a place for what is no secret', { kind: FrameKind.placed, id: 1 }],
    ['anything more', { kind: FrameKind.waits, id: 1, body: 'x' }],
  ])('%s ends by protocol', async (_name, parts) => {
    const module = new URL('./modules/probe.mjs', import.meta.url);
    const keeper = await openSubject({ module, crashPolicy: terminate() });
    const crashed = nextEvent(keeper, 'crash');
    const held = rejectionOf(keeper.call('hold'));
    void rejectionOf(keeper.call('forge', frame(parts)));
    expect(await crashed).toMatchObject({ category: 'protocol', signal: 'SIGKILL' });
    expect((await held).code).toBe('ERR_SECMEM_OUTCOME_UNKNOWN');
  });
});

describe('the time of a call that waits', () => {
  it('stands still, and is asked for as often as a call may take', () => {
    const wait = new MemoryWait(100, 10_000);
    expect(wait.told(40, 100)).toBe(140);
    expect(wait.ask(140)).toBe(240);
    expect(wait.told(150, 240)).toBe(250);
    // It had 60 left when it began.
    expect(wait.over(1_000)).toBe(1_060);
    expect(wait.goingOn).toBe(false);
    expect(wait.told(1_010, 1_060)).toBe(1_110);
    expect(wait.over(1_020)).toBe(1_070);
  });

  it('is over where it is asked and does not answer', () => {
    const wait = new MemoryWait(100, 10_000);
    expect(wait.told(0, 100)).toBe(100);
    expect(wait.ask(100)).toBe(200);
    expect(wait.ask(200)).toBe(undefined);
  });

  it('runs on once it has waited for as long as it may, all waits together', () => {
    const wait = new MemoryWait(100, 150);
    wait.told(0, 100);
    expect(wait.over(100)).toBe(200);
    expect(wait.told(100, 200)).toBe(200);
    expect(wait.ask(200)).toBe(250);
    expect(wait.told(210, 250)).toBe(250);
    expect(wait.ask(250)).toBe(undefined);
    expect(wait.over(240)).toBe(250);
  });
});

describe('KS23 a call with a secret', () => {
  it('waits for its place as every operation does', async () => {
    const keeper = await openWaits();
    await keeper.call('takeAll');
    const sent = Array.from({ length: 200 }, () =>
      keeper.call('lengthOf', key(), { secret: true }),
    );
    await manyTurns();
    expect(keeper.stats()).toMatchObject({ state: 'ready', crashes: 0, openCalls: 200 });
    await keeper.call('free');
    expect((await Promise.all(sent)).map(text)).toEqual(Array(200).fill('4000'));
    expect(text(await keeper.call('secrets'))).toBe('1');
  });

  it('that is given up while it waits is wiped at once, and takes no place', async () => {
    const keeper = await openWaits();
    await keeper.call('takeAll');
    const abort = new AbortController();
    const reason = new Error('given up');
    const payload = key();
    const given = rejectionOf(
      keeper.call('lengthOf', payload, { secret: true, signal: abort.signal }),
    );
    expect(allZero(payload)).toBe(true);
    await keeper.call('echo');
    abort.abort(reason);
    expect(await given).toBe(reason);
    await keeper.call('free');
    expect(text(await keeper.call('secrets'))).toBe('1');
    expect(keeper.stats()).toMatchObject({ openCalls: 0, crashes: 0 });
  });

  it('that is given up when its place was there already leaves no place behind', async () => {
    const keeper = new RawKeeper();
    keeper.greet({ moduleUrl: String(MODULE) });
    const index = await keeper.indexOf('lengthOf');
    const length = new Uint8Array([32, 0, 0, 0]);
    keeper.send(frame({ kind: FrameKind.reserve, id: 1, index, body: length }));
    expect(await keeper.frameOf(FrameKind.placed)).toMatchObject({ id: 1 });
    keeper.send(frame({ kind: FrameKind.cancel, id: 1 }));
    expect(await keeper.frameOf(FrameKind.error)).toMatchObject({ id: 1 });
    const secrets = await keeper.indexOf('secrets');
    keeper.send(frame({ kind: FrameKind.call, id: 2, index: secrets }));
    expect(await keeper.frameOf(FrameKind.reply)).toMatchObject({ body: '1' });
  });

  const announced = [32, 0, 0, 0];
  it.each([
    ['of no length', [{ kind: FrameKind.reserve, id: 1, body: new Uint8Array(4) }]],
    ['of half a length', [{ kind: FrameKind.reserve, id: 1, body: new Uint8Array(3) }]],
    ['beyond the limit', [{ kind: FrameKind.reserve, id: 1, body: new Uint8Array([1, 0, 1, 0]) }]],
    [
      'that is announced twice',
      [1, 1].map((id) => ({ kind: FrameKind.reserve, id, body: new Uint8Array(announced) })),
    ],
  ])('SEC2 %s is left by its keeper', async (_name, frames) => {
    const keeper = new RawKeeper();
    keeper.greet({ moduleUrl: String(MODULE) });
    await keeper.frameOf(FrameKind.ready);
    keeper.send(...frames.map(frame));
    expect(await keeper.ended).toBe(76);
  });

  it('SEC2 other than was announced is left by its keeper', async () => {
    const keeper = new RawKeeper();
    keeper.greet({ moduleUrl: String(MODULE) });
    const index = await keeper.indexOf('lengthOf');
    keeper.send(frame({ kind: FrameKind.reserve, id: 1, index, body: new Uint8Array(announced) }));
    await keeper.frameOf(FrameKind.placed);
    keeper.send(frame({ kind: FrameKind.call, flags: 1, id: 1, index, body: new Uint8Array(31) }));
    expect(await keeper.ended).toBe(76);
    expect(keeper.stderr).toContain('another secret than was announced');
  });
});
