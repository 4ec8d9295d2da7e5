import { terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { FrameKind } from '../src/channel/frame.js';
import type { KeeperOptions } from '../src/index.js';
import { frame, nested } from './frames.js';
import { bytes, nextEvent, openSubject, rejectionOf, text } from './open-subject.js';

/** In this file the host is the process of the tests: an exception that nothing catches fails the run. */
const PROBE = new URL('./modules/probe.mjs', import.meta.url);

const openProbe = (options: Partial<KeeperOptions> = {}) =>
  openSubject({ module: PROBE, crashPolicy: terminate(), ...options });

const greeting = (operations: string): Uint8Array =>
  frame({ kind: FrameKind.ready, body: `{"operations":${operations}}` });

describe('SEC2 a keeper that greets with', () => {
  it.each([
    ['a name that has no text', greeting('[{"toString":1,"valueOf":1}]')],
    ['a name that is nested deeper than the stack', greeting(`[${nested(20_000)}]`)],
    ['names that are nested', greeting(nested(30_000))],
    ['a number for a name', greeting('[1e308]')],
    ['no name at all', greeting('[]')],
    ['an empty name', greeting('[""]')],
    ['a name twice', greeting('["echo","echo"]')],
    ['a name that is too long', greeting(`["${'n'.repeat(257)}"]`)],
    [
      'more names than there may be',
      greeting(JSON.stringify(Array.from({ length: 1_025 }, String))),
    ],
    ['names that are no list', greeting('{"length":1,"0":"echo"}')],
    [
      'names on a prototype',
      frame({ kind: FrameKind.ready, body: '{"__proto__":{"operations":["a"]}}' }),
    ],
    ['a list', frame({ kind: FrameKind.ready, body: '["echo"]' })],
    ['null', frame({ kind: FrameKind.ready, body: 'null' })],
    ['text that is none', frame({ kind: FrameKind.ready, body: new Uint8Array([0xff, 0xfe]) })],
    [
      'a failure that is followed by success',
      Buffer.concat([frame({ kind: FrameKind.startFailed, body: '{}' }), greeting('["echo"]')]),
    ],
    ['a failure that is no object', frame({ kind: FrameKind.startFailed, body: nested(30_000) })],
    ['an answer to no call', frame({ kind: FrameKind.reply, id: 1 })],
  ])('%s ends, and its host does not', async (_name, forged) => {
    const FORGE = Buffer.from(forged).toString('hex');
    const error = await rejectionOf(openProbe({ env: { FORGE } }));
    expect(error).toMatchObject({
      code: 'ERR_SECMEM_KEEPER_CRASHED',
      details: { crash: { category: 'spawn', signal: 'SIGKILL', decision: 'terminate' } },
      cause: expect.any(Error),
    });
  });
});

describe('SEC2 a keeper that answers a call with', () => {
  it.each([
    ['details that are no object', '{"code":"ERR_SECMEM_DISPOSED","details":7}'],
    ['details that are a list', '{"code":"ERR_SECMEM_DISPOSED","details":[1,2]}'],
    [
      'details with the name of the prototype',
      '{"code":"ERR_SECMEM_DISPOSED","details":{"__proto__":1}}',
    ],
    ['a code that every object has', '{"code":"constructor","message":"m"}'],
    [
      'fields of every wrong type',
      '{"name":{},"message":{"toString":1},"code":[],"errno":1e999,"cause":[]}',
    ],
    ['causes beyond count', `${'{"message":"m","cause":'.repeat(2_000)}{}${'}'.repeat(2_000)}`],
    ['a cause nested deeper than the stack', `{"cause":{"message":${nested(20_000)}}}`],
  ])('%s is answered by an error, and nothing is polluted', async (_name, body) => {
    const keeper = await openProbe();
    const held = rejectionOf(keeper.call('hold'));
    await keeper.call('forge', frame({ kind: FrameKind.error, id: 1, body }));
    const error = await held;
    expect(error).toBeInstanceOf(Error);
    expect(typeof error.message).toBe('string');
    expect(Object.prototype).not.toHaveProperty('message');
    let causes = 0;
    for (let at: unknown = error; at instanceof Error; at = at.cause) causes++;
    expect(causes).toBeLessThanOrEqual(4);
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });

  it.each([
    ['bytes that are no text', new Uint8Array([0xc0, 0x80])],
    ['a list', '[]'],
    ['more than metadata may be', ' '.repeat(64 * 1024 + 1)],
  ])('%s ends, and its host does not', async (_name, body) => {
    const keeper = await openProbe();
    const crashed = nextEvent(keeper, 'crash');
    const held = rejectionOf(keeper.call('hold'));
    const sent = rejectionOf(keeper.call('forge', frame({ kind: FrameKind.error, id: 1, body })));
    expect(await crashed).toMatchObject({ category: 'protocol', signal: 'SIGKILL' });
    expect(await held).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    await sent;
  });

  it('bytes on the pipe that carries nothing ends, and its host does not', async () => {
    const keeper = await openProbe({ module: new URL('./modules/babbles.mjs', import.meta.url) });
    const crashed = nextEvent(keeper, 'crash');
    await rejectionOf(keeper.call('babble'));
    expect(await crashed).toMatchObject({ category: 'protocol', signal: 'SIGKILL' });
  });
});

describe('SEC2 an error that cannot be read', () => {
  it.each([0, 1, 2, 3, 4])('crosses from an operation as an error (%i)', async (which) => {
    const keeper = await openProbe();
    expect(await rejectionOf(keeper.call('throwOdd', new Uint8Array([which])))).toBeInstanceOf(
      Error,
    );
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });

  it('crosses from a function of the host as an error, and the host lives', async () => {
    const odd = Object.assign(new Error('x'), {
      message: { toString: 1, valueOf: 1 },
      name: Symbol('n'),
    });
    const act = () => {
      throw odd;
    };
    const keeper = await openProbe({ host: { act } });
    const error = await rejectionOf(
      keeper.call('ask', new Uint8Array(new Uint32Array([1]).buffer)),
    );
    expect(error).toBeInstanceOf(Error);
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });

  it('is one answer where an operation’s thenable gives two', async () => {
    const keeper = await openProbe();
    expect(await keeper.call('twice')).toEqual(new Uint8Array([1]));
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });
});
