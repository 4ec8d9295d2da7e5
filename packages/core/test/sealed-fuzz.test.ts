import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSecureMemoryError } from '../src/index.js';
import { open } from './fixture.js';
import { type Ciphertext, openInstead, watchCiphertexts } from './ordinary-memory.js';

const CASES = 100_000;
/** Of a ciphertext that holds anything: one byte and the tag. */
const LEAST_BYTE_LENGTH = 17;
const bytesOf = (n: number): Uint8Array => randomFillSync(new Uint8Array(new ArrayBuffer(n)));

/** A generator of numbers that a failure can be repeated with: the constants of Numerical Recipes. */
function numbers(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * n);
  };
}

/** Sealed bytes as somebody left them: never as they were. */
function damaged(original: Uint8Array, random: (n: number) => number): Uint8Array {
  const copy = original.slice();
  switch (random(5)) {
    case 0:
      (copy[random(copy.length)] as number) ^= 1 << random(8);
      break;
    case 1:
      return copy.subarray(0, LEAST_BYTE_LENGTH + random(copy.length - LEAST_BYTE_LENGTH));
    case 2: {
      const longer = new Uint8Array(copy.length + 1 + random(64));
      longer.set(copy);
      return longer;
    }
    case 3:
      for (let i = 0; i < copy.length; i++) copy[i] = random(256);
      break;
    default: {
      const from = random(copy.length);
      copy.copyWithin(random(copy.length), from, from + 1 + random(16));
    }
  }
  return copy;
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

describe('sealed bytes that somebody changed', () => {
  it(`never open and never crash, in ${CASES} cases of flipped bits, cuts, growth and noise`, {
    timeout: 300_000,
  }, () => {
    const { memory, kernel } = open();
    const seed = Math.floor(Math.random() * 4_294_967_296);
    const random = numbers(seed);
    const lengths = [1, 16, 31, 32, 64, 100];
    const ciphertexts = watchCiphertexts();
    const victims = lengths.map((n) => {
      const sealed = memory.adoptSync(bytesOf(n)).seal();
      const { bytes, counter } = ciphertexts.at(-1) as Ciphertext;
      return { sealed, counter, bytes, original: bytes.slice() };
    });
    let unchanged = 0;
    for (let i = 0; i < CASES; i++) {
      const victim = victims[i % victims.length] as (typeof victims)[number];
      const bytes = damaged(victim.original, random);
      if (same(bytes, victim.original)) {
        unchanged++;
        continue;
      }
      let error: unknown;
      try {
        if (bytes.length === victim.bytes.length) {
          victim.bytes.set(bytes);
          memory.openSync(victim.sealed);
        } else openInstead(memory, victim.counter, bytes);
      } catch (thrown) {
        error = thrown;
      }
      if (!isSecureMemoryError(error, 'ERR_SECMEM_UNSEAL_FAILED')) {
        throw new Error(`case ${i} of seed ${seed} ended with ${error}`);
      }
    }
    expect(unchanged).toBeLessThan(CASES / 10);
    expect(memory.stats().secrets).toBe(0);
    expect(kernel.violations).toEqual([]);
    for (const { sealed, bytes, original } of victims) {
      bytes.set(original);
      memory.openSync(sealed).dispose();
    }
  });

  it('entries of a store whose buffers are overwritten never open as something else', () => {
    const { memory } = open();
    const store = memory.store({ hotMax: 0 });
    const random = numbers(7);
    const names = Array.from({ length: 50 }, (_, i) => `n${i}`);
    const ciphertexts = watchCiphertexts();
    const plain = new Map(names.map((name) => [name, bytesOf(64)]));
    for (const [name, bytes] of plain) store.setSync(name, bytes.slice());
    for (let i = 0; i < 2_000; i++) {
      const at = random(50);
      const name = names[at] as string;
      const sealed = (ciphertexts[at] as Ciphertext).bytes;
      const before = sealed.slice();
      if (random(2) === 0) sealed.set((ciphertexts[random(50)] as Ciphertext).bytes);
      else (sealed[random(80)] as number) ^= 1 + random(255);
      const changed = !same(before, sealed);
      let opened: Uint8Array | undefined;
      try {
        opened = store.useSync(name, (secret) => secret.exportCopy());
      } catch (error) {
        expect(isSecureMemoryError(error, 'ERR_SECMEM_UNSEAL_FAILED')).toBe(true);
      }
      expect(opened === undefined).toBe(changed);
      if (opened !== undefined) expect(same(opened, plain.get(name) as Uint8Array)).toBe(true);
      sealed.set(before);
    }
  });
});
