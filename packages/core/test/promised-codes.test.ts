import { describe, expect, it } from 'vitest';
import { open, PAGE, thrown, turn } from './fixture.js';

const bytesOf = (byteLength: number, byte = 1): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(byte);

describe('a store that ends in the same turn', () => {
  it.each(['dispose', 'close'] as const)(
    'C8 set() of a secret is refused after %s(), and the secret is untouched',
    async (ending) => {
      const { memory } = open();
      const store = memory.store();
      const secret = memory.adoptSync(bytesOf(32));
      const setting = store.set('a', secret);
      const ended = ending === 'dispose' ? store.dispose() : memory.close();
      await expect(setting).rejects.toMatchObject({
        code: ending === 'dispose' ? 'ERR_SECMEM_DISPOSED' : 'ERR_SECMEM_CLOSED',
      });
      await ended;
      if (ending === 'dispose') expect(secret.exportCopy()).toEqual(bytesOf(32));
      expect(store.size).toBe(0);
    },
  );

  it('C8 a load whose last progress ends the store commits nothing', async () => {
    const { memory } = open();
    const store = memory.store();
    const loading = store.load([['a', bytesOf(32)]], { onProgress: () => store.dispose() });
    await expect(loading).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    expect(memory.stats().secrets).toBe(0);
  });
});

describe('what is promised to be an error with a code', () => {
  it('C13 a lent copy that was transferred after a purge is released without an error', () => {
    const { memory } = open({ capabilities: { views: 'none' } });
    const lease = memory.adoptSync(bytesOf(32)).lend();
    memory.purge();
    structuredClone(lease.bytes.buffer, { transfer: [lease.bytes.buffer as ArrayBuffer] });
    lease.release();
    expect(lease.bytes.length).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });

  it.each(['adopt', 'set'] as const)(
    'C13 %s() that a purge meets after its grant says that the place is gone, and leaves the source',
    async (call) => {
      const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
      const store = memory.store();
      const holder = memory.allocateSync(PAGE);
      const source = bytesOf(32);
      const waiting = call === 'adopt' ? memory.adopt(source) : store.set('a', source);
      await turn();
      holder.dispose();
      memory.purge();
      await expect(waiting).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
      expect(source).toEqual(bytesOf(32));
      expect(memory.stats().secrets).toBe(0);
    },
  );

  it.each([
    ['a misspelt one', { onCapacty: 'throw' }],
    ['one of other libraries', { timeout: 5 }],
  ])(
    'C13 the options of calls are looked at as those of createAllocator(): %s',
    async (_, wrong) => {
      const { memory } = open();
      const secret = memory.allocateSync(8);
      const store = memory.store();
      store.setSync('a', bytesOf(8));
      const options = wrong as never;
      const refused = /unknown option/;
      expect(() => memory.allocateSync(8, options)).toThrow(refused);
      expect(() => memory.randomSync(8, options)).toThrow(refused);
      expect(() => secret.lend(options)).toThrow(refused);
      expect(() => store.setSync('a', bytesOf(8), options)).toThrow(refused);
      expect(() => store.useSync('a', () => 1, options)).toThrow(refused);
      for (const call of [
        memory.allocate(8, options),
        memory.allocateAll([8], options),
        memory.phase(() => 1, options),
        memory.loadAll([], options),
        memory.fromFile('/dev/null', options),
        memory.fromJson('/dev/null', '', options),
        memory.close(options),
        store.set('a', bytesOf(8), options),
        store.use('a', () => 1, options),
        store.load([], options),
      ]) {
        await expect(call).rejects.toThrow(refused);
      }
      expect(memory.stats().state).toBe('open');
    },
  );

  it('C13 null in place of options is a TypeError that names them', async () => {
    const { memory } = open();
    expect(thrown(() => memory.allocateSync(8, null as never)).message).toBe(
      'options must be an object',
    );
    await expect(memory.allocate(8, null as never)).rejects.toThrow('options must be an object');
  });

  it.each(['8', '', null, undefined, Number.NaN, 1.5, 0, -1, {}, 2 ** 30 + 1, 2 ** 31])(
    'C13 resize(%j) is refused before anything changes',
    (length) => {
      const { memory } = open();
      const secret = memory.adoptSync(bytesOf(32));
      const content = secret.exportCopy();
      const error = thrown(() => secret.resize(length as never));
      expect([TypeError, RangeError]).toContain(error.constructor);
      expect(error.message).toMatch(/^byteLength must be/);
      expect(secret.exportCopy()).toEqual(content);
      expect(memory.stats()).toMatchObject({ secrets: 1 });
    },
  );

  it.each([
    ['no object', null, /source must be an iterable/],
    ['no iterable', {}, /source must be an iterable/],
    ['a text', 'ab', /source must be an iterable/],
    ['an entry that is none', [null], /an entry must be an array/],
    ['an entry without a name', [[]], /the name of a secret must be a string/],
    ['an entry without a secret', [['a']], /source must be/],
  ])('C13 load() of %s is refused by name, and nothing is left of it', async (_, source, words) => {
    const { memory } = open();
    const store = memory.store();
    await expect(store.load(source as never)).rejects.toThrow(words);
    expect(store.size).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });
});
