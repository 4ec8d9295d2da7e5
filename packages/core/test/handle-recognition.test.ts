import { describe, expect, it, vi } from 'vitest';
import * as ours from '../src/index.js';
import { createFakeKernel, fakeBackend } from '../src/testing/index.js';
import { open, thrown } from './fixture.js';

/** The package once more, as `require` beside `import` loads it. */
async function otherCopy(): Promise<typeof ours> {
  vi.resetModules();
  const copy = (await import('../src/index.js')) as typeof ours;
  expect(copy.hmac).not.toBe(ours.hmac);
  return copy;
}

const KEY_BYTE_LENGTH = 32;

/** Every call that takes a handle, with `given` in the place of one. */
function calls(memory: ours.Allocator, given: unknown): Readonly<Record<string, () => unknown>> {
  const key = memory.randomSync(KEY_BYTE_LENGTH);
  const secret = given as ours.Secret;
  return {
    hmac: () => ours.hmac('sha256', secret, 'x'),
    hash: () => ours.hash('sha256', secret),
    toKeyObject: () => ours.toKeyObject(secret),
    'encrypt, key': () => ours.encrypt('aes-256-gcm', secret, key),
    'encrypt, plaintext': () => ours.encrypt('aes-256-gcm', key, secret),
    decrypt: () => ours.decrypt('aes-256-gcm', secret, new Uint8Array(40)),
    hkdf: () => ours.hkdf('sha256', secret, { byteLength: 16 }),
    'hkdf, into': () => ours.hkdf('sha256', key, { byteLength: 16, into: given as ours.Phase }),
    keep: () => memory.phase((phase) => phase.keep(secret)),
    open: () => memory.open(given as ours.SealedSecret),
    openSync: () => memory.openSync(given as ours.SealedSecret),
    loadAll: () => memory.loadAll([() => secret]),
    equals: () => key.equals(secret),
    copyFrom: () => key.copyFrom(secret),
    fromHex: () => memory.fromHex(secret),
    fromJson: () => memory.fromJson(secret, '/a'),
    set: () => memory.store().set('name', secret),
  };
}

/** What comes of a call, whether it throws or rejects. The error of a loader is the cause of the one that is told. */
async function errorOf(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (error) {
    const { cause } = error as Error;
    return (cause ?? error) as Error;
  }
  throw new Error('nothing was thrown');
}

describe('P12 what is no handle', () => {
  const wrong: readonly [string, () => unknown, RegExp][] = [
    ['nothing', () => undefined, /undefined/],
    ['null', () => null, /null/],
    ['a boolean', () => true, /a boolean/],
    ['an object', () => ({}), /an object/],
    ['a promise', () => Promise.resolve(), /a promise: await it/],
    ['an object with the prototype', () => Object.create(ours.Secret.prototype), /copy|an object/],
  ];

  it.each(wrong)('%s is refused by every call, with what was given', async (name, make, says) => {
    const { memory } = open();
    for (const [call, run] of Object.entries(calls(memory, make()))) {
      // No `into` is the default.
      if (call === 'hkdf, into' && name === 'nothing') continue;
      // A promise is what a loader may return.
      if (call === 'loadAll' && name === 'a promise') continue;
      const error = await errorOf(run);
      expect(error, call).toBeInstanceOf(TypeError);
      expect(error.message, call).toMatch(says);
      expect(error.message, call).not.toMatch(/_Secret|private member|Cannot read/);
    }
  });

  it('a Buffer as a key is called one, and its content is not shown', () => {
    const key = Buffer.from('hunter2');
    const { message } = thrown(() => ours.hmac('sha256', key as never, 'x'));
    expect(message).toBe('key must be a Secret, not a Uint8Array');
  });

  it('a secret behind a Proxy is not recognised, and the error says why', async () => {
    const { memory } = open();
    const proxy = new Proxy(memory.randomSync(KEY_BYTE_LENGTH), {});
    for (const [call, run] of Object.entries(calls(memory, proxy))) {
      const error = await errorOf(run);
      expect(error, call).toBeInstanceOf(TypeError);
      expect(error.message, call).toContain('Proxy');
    }
  });
});

describe('P12 a handle of another copy of the package', () => {
  it('is refused by every call with the words that two copies are loaded', async () => {
    const copy = await otherCopy();
    const { memory } = open();
    const theirs = copy.createAllocator({
      backend: fakeBackend({ kernel: createFakeKernel() }),
      exitHooks: false,
    });
    const secret = theirs.randomSync(KEY_BYTE_LENGTH);
    for (const [call, run] of Object.entries(calls(memory, secret))) {
      const error = await errorOf(run);
      expect(error, call).toBeInstanceOf(TypeError);
      expect(error.message, call).toContain('a Secret of another copy of @securemem/core');
    }
    const sealed = secret.seal();
    expect((await errorOf(() => memory.open(sealed as never))).message).toContain(
      'a SealedSecret of another copy of @securemem/core',
    );
    const into = { byteLength: 16, into: theirs as never };
    const key = memory.randomSync(KEY_BYTE_LENGTH);
    expect((await errorOf(() => ours.hkdf('sha256', key, into))).message).toContain(
      'an allocator or a phase of another copy of @securemem/core',
    );
    await theirs.close();
  });

  it('shows nothing of its mark', () => {
    const { memory } = open();
    const secret = memory.randomSync(KEY_BYTE_LENGTH);
    expect(Object.getOwnPropertySymbols(secret)).toEqual([]);
    expect(JSON.stringify(secret)).toBe('"[Secret: redacted]"');
  });
});
