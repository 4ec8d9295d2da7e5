import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { SealedSecret } from '../src/index.js';
import { createFakeKernel, type FaultyOperation, fakeBackend } from '../src/testing/index.js';
import { open, PAGE, thrown } from './fixture.js';
import { type Ciphertext, openInstead, watchCiphertexts } from './ordinary-memory.js';

const bytesOf = (n: number, first = 1): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(n));
  for (let i = 0; i < n; i++) bytes[i] = first + i;
  return bytes;
};

/** What the sealing of a backend needs to be told apart by: where the cipher works, and whether there are views. */
const KINDS = [
  ['a cipher in place', {}],
  ['a cipher in place, no views', { views: 'none' }],
  ['node:crypto', { cipher: 'none' }],
  ['node:crypto, no views', { cipher: 'none', views: 'none' }],
  ['no protection', { protection: 'none', guardPages: false }],
] as const;

describe.each(KINDS)('with %s', (_, capabilities) => {
  it('seal() frees the slot in the same call, and open() brings the bytes back, again and again', async () => {
    const { memory, kernel } = open({ capabilities });
    const secret = memory.adoptSync(bytesOf(64));

    const sealed = secret.seal();

    expect(secret.disposed).toBe(true);
    expect(sealed.byteLength).toBe(64);
    expect(memory.stats().secrets).toBe(0);
    for (const region of kernel.regionIds) {
      const page = kernel.peek(region, 0, PAGE);
      expect(Buffer.from(page.buffer).includes(Buffer.from(bytesOf(8).buffer))).toBe(false);
    }
    for (const again of [await memory.open(sealed), memory.openSync(sealed)]) {
      expect(again.exportCopy()).toEqual(bytesOf(64));
      again.dispose();
    }
    sealed.dispose();
    sealed.dispose();
    expect(sealed.byteLength).toBe(0);
    expect(thrown(() => memory.openSync(sealed)).code).toBe('ERR_SECMEM_DISPOSED');
  });

  it('open() gives secrets of every route back, and of a page and a byte', () => {
    const { memory } = open({ capabilities });
    for (const byteLength of [1, 2, 15, 16, 17, 2_048, 2_049, PAGE, PAGE + 1]) {
      const sealed = memory.adoptSync(bytesOf(byteLength)).seal();
      const opened = memory.openSync(sealed);
      expect(opened.equals(bytesOf(byteLength))).toBe(true);
      opened.dispose();
      sealed.dispose();
    }
  });

  it('M10 open() of a damaged ciphertext throws a thousand times, and leaves nothing locked, live or readable', async () => {
    const { memory, kernel } = open({ capabilities });
    const ciphertexts = watchCiphertexts();
    const sealed = memory.adoptSync(bytesOf(64)).seal();
    const whole = memory.adoptSync(bytesOf(64, 7)).seal();
    const { bytes } = ciphertexts[0] as Ciphertext;
    (bytes[5] as number) ^= 1;
    memory.openSync(whole).dispose();
    const before = kernel.lockedByteLength;

    for (let i = 0; i < 500; i++) {
      expect(thrown(() => memory.openSync(sealed)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
      await expect(memory.open(sealed)).rejects.toMatchObject({ code: 'ERR_SECMEM_UNSEAL_FAILED' });
    }

    expect(kernel.lockedByteLength).toBe(before);
    expect(memory.stats().secrets).toBe(0);
    expect(memory.verify().ok).toBe(true);
    expect(memory.openSync(whole).exportCopy()).toEqual(bytesOf(64, 7));
    (bytes[5] as number) ^= 1;
    expect(memory.openSync(sealed).exportCopy()).toEqual(bytesOf(64));
  });

  it('open() refuses what was truncated, extended, swapped or sealed before a purge', () => {
    const { memory } = open({ capabilities });
    const ciphertexts = watchCiphertexts();
    const first = memory.adoptSync(bytesOf(64)).seal();
    const second = memory.adoptSync(bytesOf(64, 9)).seal();
    const [{ bytes, counter }, { bytes: others }] = ciphertexts as [Ciphertext, Ciphertext];
    const original = bytes.slice();
    const refused = (): void =>
      expect(thrown(() => memory.openSync(first)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');

    for (const changed of [original.slice(0, 17), original.slice(0, 79), [...original, 0]]) {
      const error = thrown(() => openInstead(memory, counter, new Uint8Array(changed)));
      expect(error.code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    }
    bytes.set(others);
    refused();
    bytes.set(original);
    expect(memory.openSync(first).exportCopy()).toEqual(bytesOf(64));

    memory.purge();

    refused();
    const later = memory.adoptSync(bytesOf(64, 3)).seal();
    expect(memory.openSync(later).exportCopy()).toEqual(bytesOf(64, 3));
    refused();
    const lost = ciphertexts.at(-1)?.bytes.buffer as ArrayBuffer;
    structuredClone(lost, { transfer: [lost] });
    expect(thrown(() => memory.openSync(later)).code).toBe('ERR_SECMEM_UNSEAL_FAILED');
    second.dispose();
  });

  it('the sealing key has pages of its own, which are gone when nothing needs it', async () => {
    const { memory, kernel } = open({ capabilities, idleMs: 2 });
    const sealed = memory.adoptSync(bytesOf(8)).seal();
    const pages = memory.receipt.sealingKey === 'one-page' ? 1 : 2;
    const keyByteLength = pages * PAGE;
    expect(memory.stats().sealing).toMatchObject({ keys: 1, keyByteLength, seals: 1 });
    expect(memory.verify().ok).toBe(true);

    sealed.dispose();
    await expect.poll(() => kernel.lockedByteLength, { timeout: 5_000 }).toBe(0);

    expect(memory.stats().sealing.keys).toBe(0);
  });
});

describe('a sealed secret', () => {
  it('shows a redaction, and cannot be cloned', () => {
    const { memory } = open();
    const sealed = memory.adoptSync(bytesOf(8)).seal();
    expect(`${sealed} ${JSON.stringify({ sealed })} ${inspect(sealed)}`).toBe(
      '[Secret: redacted] {"sealed":"[Secret: redacted]"} [Secret: redacted]',
    );
    expect(() => structuredClone(sealed)).toThrow();
    expect(() => serialize(sealed)).toThrow();
  });

  it('seal() is refused with an access open, on a gone secret and after close(), with nothing changed', async () => {
    const { memory } = open();
    const secret = memory.adoptSync(bytesOf(8));
    const lease = secret.lend();
    expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_IN_USE');
    lease.release();
    expect(secret.exportCopy()).toEqual(bytesOf(8));
    const gone = memory.allocateSync(8);
    gone.dispose();
    expect(thrown(() => gone.seal()).code).toBe('ERR_SECMEM_DISPOSED');
    const sealed = secret.seal();
    await memory.close();
    await expect(memory.open(sealed)).rejects.toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });

  it('open() is refused to another allocator, and to what is no sealed secret', async () => {
    const { memory } = open();
    const { memory: other } = open();
    const sealed = memory.adoptSync(bytesOf(8)).seal();
    expect(thrown(() => other.openSync(sealed)).code).toBe('ERR_SECMEM_INPUT_INVALID');
    await expect(memory.open({} as SealedSecret)).rejects.toThrow(TypeError);
  });

  it('open() in a phase belongs to the phase', async () => {
    const { memory } = open();
    const sealed = memory.adoptSync(bytesOf(8)).seal();
    await memory.phase(async (phase) => {
      expect((await phase.open(sealed)).exportCopy()).toEqual(bytesOf(8));
    });
    expect(memory.stats().secrets).toBe(0);
  });

  it('open() waits for a place, and can be aborted', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
    const sealed = memory.adoptSync(bytesOf(PAGE)).seal();
    const holder = memory.allocateSync(PAGE);
    const controller = new AbortController();
    const aborted = memory.open(sealed, { signal: controller.signal });
    const waiting = memory.open(sealed);
    expect(memory.stats().admission.waiting).toBe(2);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    holder.dispose();
    expect((await waiting).equals(bytesOf(PAGE))).toBe(true);
  });

  it('a purge while open() waits ends in a typed error, and takes no place', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
    const sealed = memory.adoptSync(bytesOf(PAGE)).seal();
    memory.allocateSync(PAGE);
    const waiting = memory.open(sealed);
    memory.purge();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SECMEM_UNSEAL_FAILED' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('a fallback secret is sealed, and its receipt says by which cipher', () => {
    const weak = { locking: 'none', cipher: 'none', guardPages: false } as const;
    const fallback = fakeBackend({ name: 'weak', capabilities: weak });
    const { memory } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } },
      fallback,
      onCapacity: 'fallback',
    });
    const first = memory.adoptSync(bytesOf(PAGE)).seal();
    const held = memory.allocateSync(PAGE);
    const second = memory.adoptSync(bytesOf(64));
    expect(second.receipt).toMatchObject({ fallback: true, cipher: 'node-crypto' });
    const sealed = second.seal();
    const opened = memory.openSync(sealed);
    expect(opened.receipt.fallback).toBe(true);
    expect(opened.exportCopy()).toEqual(bytesOf(64));
    held.dispose();
    expect(memory.openSync(first).receipt).toMatchObject({ fallback: false, cipher: 'in-place' });
  });
});

describe('faults while sealing and opening', () => {
  it('M9 seal() throws at every fault of making the key, and nothing is mapped, locked or counted more', () => {
    const faults: [FaultyOperation, number][] = [
      ['map', 1],
      ['openView', 1],
      ['seal', 1],
    ];
    for (const [operation, on] of faults) {
      const { memory, kernel, backend } = open();
      const secret = memory.adoptSync(bytesOf(64));
      const before = { locked: kernel.lockedByteLength, regions: kernel.regionCount };
      backend.fail(operation, { on });

      expect(thrown(() => secret.seal()).code).toMatch(/^ERR_SECMEM_/);

      expect(secret.exportCopy()).toEqual(bytesOf(64));
      if (operation !== 'seal') {
        expect({ locked: kernel.lockedByteLength, regions: kernel.regionCount }).toEqual(before);
        expect(memory.stats().sealing.keys).toBe(0);
      }
      const sealed = secret.seal();
      expect(memory.openSync(sealed).exportCopy()).toEqual(bytesOf(64));
    }
  });

  it('M9 seal() at a full limit throws a capacity error with the numbers, and the secret stays', () => {
    const { memory, kernel } = open();
    const secrets = Array.from({ length: 16 }, () => memory.allocateSync(PAGE));
    secrets[3]?.write((bytes) => bytes.fill(3));

    expect(thrown(() => secrets[3]?.seal())).toMatchObject({
      code: 'ERR_SECMEM_LOCK_LIMIT',
      details: { requestedByteLength: PAGE, limitByteLength: 65_536 },
    });

    expect(kernel.lockedByteLength).toBe(65_536);
    expect(secrets[3]?.read((bytes) => bytes[PAGE - 1])).toBe(3);
    for (const secret of secrets.slice(0, 2)) secret.dispose();
    const sealed = secrets[3]?.seal() as SealedSecret;
    expect(memory.openSync(sealed).read((bytes) => bytes[0])).toBe(3);
  });

  it('M10 open() at a fault of the backend throws it, and leaves no place taken', () => {
    const { memory, kernel, backend } = open();
    const sealed = memory.adoptSync(bytesOf(64)).seal();
    const before = kernel.lockedByteLength;
    for (const error of [undefined, () => new Error('planned')]) {
      backend.fail('unseal', error === undefined ? {} : { error });
      expect(() => memory.openSync(sealed)).toThrow();
      expect(memory.stats().secrets).toBe(0);
      expect(kernel.lockedByteLength).toBe(before);
    }
    expect(memory.openSync(sealed).exportCopy()).toEqual(bytesOf(64));
  });

  it('seal() ends the sealed copy too when its secret cannot be wiped', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' }, idleMs: 2 });
    const secret = memory.adoptSync(bytesOf(64));
    memory.adoptSync(bytesOf(8)).seal().dispose();
    backend.fail('wipe');
    expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_PLATFORM');
    expect(secret.disposed).toBe(true);
    await expect.poll(() => memory.stats().sealing.keys).toBe(0);
  });

  it('M8 a refused key leaves 100 secrets readable and 10 sealed ones openable', () => {
    const kernel = createFakeKernel();
    const { memory } = open({ kernel });
    const sealed = Array.from({ length: 10 }, (_, i) => memory.adoptSync(bytesOf(64, i)).seal());
    const live = Array.from({ length: 100 }, (_, i) => memory.adoptSync(bytesOf(64, i)));
    kernel.setLockLimit({ kind: 'bytes', byteLength: 0 });
    expect(thrown(() => memory.allocateSync(PAGE)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    for (const [i, secret] of live.entries()) expect(secret.equals(bytesOf(64, i))).toBe(true);
    live[0]?.dispose();
    for (const [i, each] of sealed.entries()) {
      const opened = memory.openSync(each);
      expect(opened.equals(bytesOf(64, i))).toBe(true);
      opened.dispose();
    }
  });
});
