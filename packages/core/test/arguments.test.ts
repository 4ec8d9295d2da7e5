import { describe, expect, it } from 'vitest';
import { createAllocator, hmac, isSecureMemoryError } from '../src/index.js';
import { fakeBackend } from '../src/testing/index.js';
import { open, thrown } from './fixture.js';

/** What the types forbid and JavaScript does all the same. */
const wrong = (value: unknown): never => value as never;

describe('arguments of the wrong kind', () => {
  it.each([
    ['no options', () => createAllocator(wrong(undefined))],
    ['options that are null', () => createAllocator(wrong(null))],
    ['no backend', () => createAllocator(wrong({}))],
    ['a backend that is none', () => createAllocator(wrong({ backend: {} }))],
    ['a budget that is a number', () => open({ budget: wrong(65_536) })],
    ['a budget that is null', () => open({ budget: wrong(null) })],
    ['raiseLimit that is a number', () => open({ budget: { raiseLimit: wrong(1) } })],
    ['exitHooks that is a string', () => open({ exitHooks: wrong('yes') })],
  ])('createAllocator() refuses %s', (_, create) => {
    expect(thrown(create)).toBeInstanceOf(TypeError);
  });

  it('createAllocator() refuses a backend of another contract, by a code', () => {
    const backend = Object.create(fakeBackend(), { contractVersion: { value: 2 } });
    expect(thrown(() => createAllocator({ backend }))).toMatchObject({
      code: 'ERR_SECMEM_CONTRACT_VERSION',
    });
  });

  it('requests refuse what is no list and no signal, and nothing waits', async () => {
    const { memory } = open();
    expect(thrown(() => memory.allocateAllSync(wrong(32)))).toBeInstanceOf(TypeError);
    expect(thrown(() => memory.allocateAllSync([]))).toBeInstanceOf(RangeError);
    const late = async (signal: unknown) => memory.allocate(32, { signal: wrong(signal) });
    await expect(late({ aborted: false })).rejects.toBeInstanceOf(TypeError);
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  });

  it('a secret refuses modes that there are not, and functions that are none', () => {
    const { memory } = open();
    const secret = memory.randomSync(32);
    const before = secret.exportCopy();
    expect(thrown(() => secret.lend({ mode: wrong('append') }))).toBeInstanceOf(TypeError);
    expect(thrown(() => secret.read(wrong(undefined)))).toBeInstanceOf(TypeError);
    expect(thrown(() => secret.write(wrong('bytes')))).toBeInstanceOf(TypeError);
    expect(thrown(() => secret.equals(wrong('bytes')))).toBeInstanceOf(TypeError);
    expect(thrown(() => hmac('sha256', secret, wrong(['a', 7])))).toBeInstanceOf(TypeError);
    expect(thrown(() => hmac('sha256', secret, wrong(7)))).toBeInstanceOf(TypeError);
    expect(secret.equals(before)).toBe(true);
  });

  it('a store refuses a use that is no function and a progress that is none', async () => {
    const { memory } = open();
    const store = memory.store();
    store.setSync('a', new Uint8Array(new ArrayBuffer(32)).fill(1));
    expect(thrown(() => store.useSync('a', wrong(undefined)))).toBeInstanceOf(TypeError);
    const load = async () => store.load([], { onProgress: wrong('often') });
    await expect(load()).rejects.toBeInstanceOf(TypeError);
    expect(store.stats()).toMatchObject({ entries: 1, inUse: 0 });
  });

  it.each(['', 'abc'])(
    'fromHex(%j) is refused: it encodes no whole number of bytes',
    async (text) => {
      const { memory } = open();
      await expect(memory.fromHex(Buffer.from(text))).rejects.toMatchObject({
        code: 'ERR_SECMEM_INPUT_INVALID',
        operation: 'fromHex',
      });
      expect(memory.stats().secrets).toBe(0);
    },
  );
});

describe('isSecureMemoryError()', () => {
  it.each([undefined, null, 'ERR_SECMEM_DISPOSED', 7, new Error('other'), {}])(
    'is false for %s',
    (value) => {
      expect(isSecureMemoryError(value)).toBe(false);
    },
  );

  it('is false for what has the code and not the brand', () => {
    const code = 'ERR_SECMEM_DISPOSED';
    expect(isSecureMemoryError(Object.assign(new Error(), { code }), code)).toBe(false);
  });
});
