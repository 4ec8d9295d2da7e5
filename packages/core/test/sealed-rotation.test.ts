import { describe, expect, it } from 'vitest';
import type { SealedSecret, Secret } from '../src/index.js';
import { KEYS_MAX } from '../src/sealing/key-pages.js';
import { open, PAGE, sleep, thrown, turn } from './fixture.js';

const bytesOf = (first: number, n = 64): Uint8Array =>
  new Uint8Array(new ArrayBuffer(n)).fill(first & 255);
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

/** The nonces of every seal that went through a backend. */
function watchNonces(backend: { seal(...args: unknown[]): void }): Set<string> {
  const nonces = new Set<string>();
  const seal = backend.seal.bind(backend);
  backend.seal = (...args) => {
    const nonce = Buffer.from(args[1] as Uint8Array).toString('hex');
    if (nonces.has(nonce)) throw new Error('a nonce was used twice');
    nonces.add(nonce);
    seal(...args);
  };
  return nonces;
}

describe('rotation of the sealing key', () => {
  it('M11 a new key is made after sealsPerKeyMax seals; older ones stay until no ciphertext needs them', () => {
    const { memory, backend } = open({ sealing: { sealsPerKeyMax: 4 } });
    const nonces = watchNonces(backend as never);
    const sealed = Array.from({ length: 12 }, (_, i) => memory.adoptSync(bytesOf(i)).seal());
    expect(memory.stats().sealing).toMatchObject({ seals: 12, keys: 3, keyByteLength: 2 * PAGE });
    for (const [i, each] of sealed.entries()) {
      const secret = memory.openSync(each);
      expect(first(secret)).toBe(i);
      secret.dispose();
    }
    for (const each of sealed.slice(0, 4)) each.dispose();
    expect(memory.stats().sealing.keys).toBe(2);
    for (const each of sealed.slice(4)) each.dispose();
    expect(memory.stats().sealing.keys).toBe(1);
    memory.adoptSync(bytesOf(0)).seal();
    expect(memory.stats().sealing.keys).toBe(1);
    expect(nonces.size).toBe(13);
  });

  it('M11 a key that nothing needs is wiped from the page, and the page reads zero where it was', () => {
    const { memory, kernel } = open({ sealing: { sealsPerKeyMax: 1, closeKeyPages: true } });
    const [a, b] = [memory.adoptSync(bytesOf(1)).seal(), memory.adoptSync(bytesOf(2)).seal()];
    const pages = kernel.regionIds.filter((id) => kernel.protectionOf(id) === 'no-access');
    expect(pages).toHaveLength(2);
    const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
    const zeros = (slot: number): boolean[] =>
      pages.map((page) => isZero(kernel.peek(page, slot * 32, 32)));
    expect([0, 1, 2].map(zeros)).toEqual([
      [false, false],
      [false, false],
      [true, true],
    ]);
    a.dispose();
    expect([0, 1].map(zeros)).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(first(memory.openSync(b))).toBe(2);
  });

  it('keys are bounded: at the maximum the newest goes on, and everything still opens', () => {
    const { memory } = open({ sealing: { sealsPerKeyMax: 1 } });
    const sealed: SealedSecret[] = [];
    for (let i = 0; i < KEYS_MAX + 3; i++) sealed.push(memory.adoptSync(bytesOf(i)).seal());
    expect(memory.stats().sealing.keys).toBe(KEYS_MAX);
    for (const [i, each] of sealed.entries()) {
      const secret = memory.openSync(each);
      expect(first(secret)).toBe(i & 255);
      secret.dispose();
    }
    sealed[7]?.dispose();
    expect(memory.stats().sealing.keys).toBe(KEYS_MAX - 1);
    sealed.push(memory.adoptSync(bytesOf(9)).seal());
    expect(memory.stats().sealing.keys).toBe(KEYS_MAX);
  });

  it('M9 a fault in making the next key is thrown, and the key before still seals and opens', () => {
    const sealing = { sealsPerKeyMax: 2, closeKeyPages: true };
    const { memory, backend } = open({ sealing });
    const sealed = [memory.adoptSync(bytesOf(1)).seal(), memory.adoptSync(bytesOf(2)).seal()];
    const secret = memory.adoptSync(bytesOf(3));
    for (const on of [1, 2]) {
      backend.fail('protect', { on });
      expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_PLATFORM');
      backend.heal();
      expect(memory.stats().sealing.keys).toBe(1);
      expect(first(secret)).toBe(3);
    }
    sealed.push(secret.seal());
    expect(memory.stats().sealing.keys).toBe(2);
    for (const [i, each] of sealed.entries()) expect(first(memory.openSync(each))).toBe(i + 1);
  });

  it('a key that cannot be wiped is kept, said, and wiped with the next one', () => {
    const { memory, backend } = open({
      sealing: { sealsPerKeyMax: 1 },
      capabilities: { views: 'none' },
    });
    const [a, b] = [memory.adoptSync(bytesOf(1)).seal(), memory.adoptSync(bytesOf(2)).seal()];
    backend.fail('wipe');
    a.dispose();
    expect(memory.stats()).toMatchObject({ sealing: { keys: 2 }, events: { 'release-failed': 1 } });
    const c = memory.adoptSync(bytesOf(3)).seal();
    expect(memory.stats().sealing.keys).toBe(2);
    expect([first(memory.openSync(b)), first(memory.openSync(c))]).toEqual([2, 3]);
  });

  it('M11 ten users open, set and seal while keys rotate: no error, nothing lost', async () => {
    const { memory } = open({ sealing: { sealsPerKeyMax: 7 } });
    const store = memory.store({ hotMax: 4 });
    for (let i = 0; i < 40; i++) store.setSync(`k${i}`, bytesOf(i));
    const kept: SealedSecret[] = [];
    const user = async (self: number): Promise<void> => {
      for (let n = 0; n < 100; n++) {
        const i = (self * 37 + n * 11) % 40;
        const across = async (secret: Secret): Promise<number> => {
          await turn();
          return first(secret);
        };
        expect(await store.use(`k${i}`, across)).toBe(i);
        await store.set(`k${i}`, bytesOf(i));
        const sealed = (await memory.adopt(bytesOf(n))).seal();
        const opened = await memory.open(sealed);
        expect(first(opened)).toBe(n);
        opened.dispose();
        if (n % 10 === 0) kept.push(sealed);
        else sealed.dispose();
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, self) => user(self)));
    for (let i = 0; i < 40; i++) expect(store.useSync(`k${i}`, first)).toBe(i);
    for (const [n, each] of kept.entries()) {
      const secret = memory.openSync(each);
      expect(first(secret) % 10).toBe(0);
      expect(n).toBeLessThan(100);
      secret.dispose();
    }
    expect(memory.stats().sealing.seals).toBe(2_040);
    expect(memory.stats().sealing.keys).toBeLessThanOrEqual(KEYS_MAX);
    expect(memory.stats().events).toMatchObject({ 'release-failed': 0, 'protection-failed': 0 });
  });

  it('M9 20 openers of 10 secrets run for a while under two pages, and each is right', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
    const sealed = Array.from({ length: 10 }, (_, i) => memory.adoptSync(bytesOf(i, 600)).seal());
    const until = performance.now() + 200;
    const opener = async (self: number): Promise<number> => {
      let opened = 0;
      for (; opened < 20 || performance.now() < until; opened++) {
        const i = (self + opened) % 10;
        const secret = await memory.open(sealed[i] as SealedSecret);
        await turn();
        expect(first(secret)).toBe(i);
        secret.dispose();
      }
      return opened;
    };
    const counts = await Promise.all(Array.from({ length: 20 }, (_, self) => opener(self)));
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(20);
    expect(memory.stats().admission).toMatchObject({ waiting: 0, timeouts: 0 });
    expect(memory.stats().admission.waits).toBeGreaterThan(0);
  });

  it('timers of keys and stores do not keep the process alive', async () => {
    const { memory } = open();
    memory.adoptSync(bytesOf(1)).seal().dispose();
    const store = memory.store();
    store.setSync('a', bytesOf(1), { ttlMs: 60_000 });
    store.useSync('a', first);
    await sleep(0);
    const active = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    store.dispose();
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toEqual(active);
  });
});
