import { describe, expect, it, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { type Fixture, open } from './fixture.js';

const filled = (byteLength: number, byte: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(byte);
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);
const damaged = { code: 'ERR_SECMEM_CANARY_MISMATCH' };

/** Somebody writes past the end of the slot before the next that is sealed, so that its release finds a broken canary. */
function damageNextSealed({ kernel, backend }: Fixture): void {
  vi.spyOn(backend, 'seal').mockImplementationOnce((key, nonce, data, plaintext, target) => {
    backend.inner.seal(key, nonce, data, plaintext, target);
    const byteOffset = plaintext.byteOffset - 1;
    const [before] = kernel.peek(plaintext.region, byteOffset, 1);
    kernel.poke(plaintext.region, byteOffset, Uint8Array.of((before as number) ^ 0xff));
  });
}

describe('a store whose working slot was damaged', () => {
  it.each([
    ['set', false],
    ['setSync', true],
  ] as const)(
    'M5 %s() of bytes leaves them and the entry of that name as they were',
    async (_, sync) => {
      const fixture = open();
      const store = fixture.memory.store();
      store.setSync('a', filled(64, 1));
      const source = filled(64, 2);
      damageNextSealed(fixture);
      const set = async () => (sync ? store.setSync('a', source) : store.set('a', source));
      await expect(set()).rejects.toMatchObject(damaged);
      expect(source).toEqual(filled(64, 2));
      expect(store.useSync('a', first)).toBe(1);
      await set();
      expect(source).toEqual(filled(64, 0));
      expect(store.useSync('a', first)).toBe(2);
    },
  );

  it('M5 load() rejects and leaves every entry as it was, also when it is found at the very end', async () => {
    const fixture = open();
    const store = fixture.memory.store();
    store.setSync('a', filled(64, 1));
    damageNextSealed(fixture);
    const source = filled(64, 2);
    await expect(
      store.load([
        ['a', source],
        ['b', filled(64, 3)],
      ]),
    ).rejects.toMatchObject(damaged);
    expect([...store.keys()]).toEqual(['a']);
    expect(store.useSync('a', first)).toBe(1);
    // As promised of a load, whatever becomes of it.
    expect(source).toEqual(filled(64, 0));
  });

  it('G3 load() tells what went wrong first, and the damage as an event', async () => {
    const fixture = open();
    const store = fixture.memory.store();
    const mine = new Error('mine');
    damageNextSealed(fixture);
    const broken = function* (): Generator<[string, Uint8Array]> {
      yield ['a', filled(64, 2)];
      throw mine;
    };
    await expect(store.load(broken())).rejects.toBe(mine);
    expect(store.size).toBe(0);
    const { secrets, events } = fixture.memory.stats();
    expect([secrets, events['release-failed']]).toEqual([0, 1]);
  });
});
