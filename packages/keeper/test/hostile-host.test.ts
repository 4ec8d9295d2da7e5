import { describe, expect, it } from 'vitest';
import { FLAG_SECRET, FrameKind } from '../src/channel/frame.js';
import { type FrameParts, frame, nested } from './frames.js';
import { RawKeeper } from './raw-keeper.js';

/** EX_PROTOCOL of sysexits.h. */
const PROTOCOL_EXIT_CODE = 76;

/** The keeper ended because of what it was sent, and not by an exception of its own. */
async function expectRefused(keeper: RawKeeper): Promise<void> {
  expect([await keeper.ended, keeper.stderr]).toEqual([
    PROTOCOL_EXIT_CODE,
    expect.stringMatching(/^securemem: the keeper cannot go on: ProtocolViolation: [^\n]+\n$/),
  ]);
}

describe('SEC2 a host that greets with', () => {
  it.each([
    ['another version', { version: 1 }],
    ['a module that is no text', { moduleUrl: { toString: 1 } }],
    ['limits that are none', { limits: null }],
    ['a limit that is no number', { limits: { cpuSecondsMax: 'all' } }],
    ['functions that are no list', { hostFunctions: { length: 1 } }],
    ['a function twice', { hostFunctions: ['act', 'act'] }],
    ['a function with a number for a name', { hostFunctions: [1] }],
    ['a payload limit that is no number', { payloadByteLengthMax: '64' }],
    ['a number of calls below zero', { callsMax: -1 }],
    ['descriptors that are no numbers', { descriptors: ['5'] }],
    ['a number that is too large for one', { hostCallsMax: 1e300 }],
  ])('%s is left', async (_name, said) => {
    const keeper = new RawKeeper();
    keeper.greet(said);
    await expectRefused(keeper);
  });

  it.each([
    ['another kind', frame({ kind: FrameKind.call })],
    [
      'text that is nested deeper than the stack',
      frame({ kind: FrameKind.hello, body: nested(30_000) }),
    ],
    ['a body beyond the limit', frame({ kind: FrameKind.hello, byteLength: 2 ** 32 - 1 })],
    ['a generation of zero', frame({ kind: FrameKind.hello, generation: 0, body: '{}' })],
  ])('%s is left', async (_name, forged) => {
    const keeper = new RawKeeper();
    keeper.send(forged);
    await expectRefused(keeper);
  });
});

describe('SEC2 a host that sends', () => {
  const forged: readonly (readonly [string, readonly FrameParts[]])[] = [
    ['a second greeting', [{ kind: FrameKind.hello, body: '{}' }]],
    ['an answer to no call', [{ kind: FrameKind.hostReply, id: 1 }]],
    ['an error to no call', [{ kind: FrameKind.hostError, id: 1, body: nested(20_000) }]],
    ['a call without an id', [{ kind: FrameKind.call }]],
    ['a call of no operation', [{ kind: FrameKind.call, id: 1, index: 65_535 }]],
    [
      'a secret for no operation',
      [{ kind: FrameKind.call, id: 1, index: 999, flags: FLAG_SECRET, body: 'x' }],
    ],
    ['a payload beyond the limit', [{ kind: FrameKind.call, id: 1, byteLength: 65_537 }]],
    ['flags that nobody knows', [{ kind: FrameKind.call, id: 1, flags: 2 }]],
    ['a frame of another generation', [{ kind: FrameKind.call, id: 1, generation: 2 }]],
    ['a second wish to end', [{ kind: FrameKind.close }, { kind: FrameKind.close }]],
    ['a call after the wish to end', [{ kind: FrameKind.close }, { kind: FrameKind.call, id: 1 }]],
    ['a cancellation with a body', [{ kind: FrameKind.cancel, id: 1, body: 'x' }]],
  ];

  it.each(forged)('%s is left', async (_name, frames) => {
    const keeper = new RawKeeper();
    keeper.greet();
    await keeper.frameOf(FrameKind.ready);
    keeper.send(...frames.map(frame));
    await expectRefused(keeper);
  });

  it('a call before the state is there is left', async () => {
    const keeper = new RawKeeper();
    keeper.greet();
    keeper.send(frame({ kind: FrameKind.call, id: 1, index: 0 }));
    await expectRefused(keeper);
  });

  it('as many calls as it may is answered, and one more is left', async () => {
    const keeper = new RawKeeper();
    keeper.greet();
    const index = await keeper.indexOf('hold');
    const echo = await keeper.indexOf('echo');
    const call = (id: number) => frame({ kind: FrameKind.call, id, index });
    keeper.send(call(1), call(2), call(3), frame({ kind: FrameKind.call, id: 4, index: echo }));
    expect(await keeper.frameOf(FrameKind.reply)).toMatchObject({ id: 4 });
    keeper.send(call(5), call(6));
    await expectRefused(keeper);
  });

  it('the id of a call that is open is left', async () => {
    const keeper = new RawKeeper();
    keeper.greet();
    const index = await keeper.indexOf('hold');
    keeper.send(
      frame({ kind: FrameKind.call, id: 7, index }),
      frame({ kind: FrameKind.call, id: 7, index }),
    );
    await expectRefused(keeper);
  });

  it('a secret of no bytes is answered by an error', async () => {
    const keeper = new RawKeeper();
    keeper.greet();
    const index = await keeper.indexOf('wipeSecret');
    keeper.send(frame({ kind: FrameKind.call, id: 1, index, flags: FLAG_SECRET }));
    expect(await keeper.frameOf(FrameKind.error)).toMatchObject({ id: 1 });
    const echo = await keeper.indexOf('echo');
    keeper.send(frame({ kind: FrameKind.call, id: 2, index: echo, body: 'on' }));
    expect(await keeper.frameOf(FrameKind.reply)).toMatchObject({ id: 2, body: 'on' });
  });

  it('half a frame and leaves is left without a word', async () => {
    const keeper = new RawKeeper();
    keeper.greet();
    await keeper.frameOf(FrameKind.ready);
    keeper.send(frame({ kind: FrameKind.call, id: 1, byteLength: 100 }));
    keeper.process.stdio[3]?.destroy();
    expect([await keeper.ended, keeper.stderr]).toEqual([0, '']);
  });
});
