import { describe, expect, it, vi } from 'vitest';
import { type Allocator, type Secret, sign, toPrivateKey, toTlsKey } from '../src/index.js';
import { contentOf, FILL, open, thrown } from './fixture.js';

const scalar = (): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(new ArrayBuffer(32));
  bytes.fill(FILL);
  return bytes;
};

/** A backend with references, a pooled key, and what the backend is asked. */
function opened() {
  const { memory, backend, kernel } = open({ capabilities: { keyReferences: 'provider' } });
  const key = memory.adoptSync(scalar());
  const asked = vi.spyOn(backend, 'openKey');
  return { memory, kernel, key, asked, closed: () => kernel.calls.closeKey };
}

const name = (key: Secret) => toTlsKey(key, { type: 'P-256', tlsOnly: true });

describe('K6 toTlsKey', () => {
  it('K6 moves a pooled key to a region of its own, once; its old place reads zero, and the receipt and the figures say so', () => {
    const { memory, kernel, key, asked } = opened();
    expect(key.receipt).toMatchObject({ route: 'pooled', keyReference: 'none' });
    const pem = name(key);
    expect(name(key)).toBe(pem);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(key.receipt).toMatchObject({ route: 'own', keyReference: 'open' });
    expect(memory.stats()).toMatchObject({ keyReferences: 1, secrets: 1 });
    expect(memory.stats().primary.routes.own.secrets).toBe(1);
    expect(key.equals(scalar())).toBe(true);
    expect(contentOf(kernel)).toBe(scalar().length);
  });

  it.each<[string, (key: Secret, memory: Allocator) => unknown]>([
    ['dispose()', (key) => key.dispose()],
    ['purge()', (_, memory) => memory.purge()],
    ['close()', (_, memory) => memory.close()],
    ['write()', (key) => key.write(() => {})],
    ['copyFrom()', (key) => key.copyFrom(scalar())],
    ['resize()', (key) => key.resize(31)],
    ['seal()', (key) => key.seal()],
  ])('K7 ends with %s', async (_, end) => {
    const all = opened();
    name(all.key);
    await end(all.key, all.memory);
    expect(all.closed()).toBe(1);
    expect(all.memory.stats().keyReferences).toBe(0);
  });

  it('K7 stays while the key is only read, and has another name after its end', () => {
    const all = opened();
    const first = name(all.key);
    all.key.read(() => {});
    all.key.lend().release();
    sign('ES256', all.key, 'data');
    expect([name(all.key), all.closed()]).toEqual([first, 0]);
    all.key.write((bytes) => bytes.fill(6));
    expect(name(all.key)).not.toBe(first);
  });

  it('K6 is refused while an access is open, and nothing has moved', () => {
    const { key, asked } = opened();
    const lease = key.lend();
    expect(thrown(() => name(key)).code).toBe('ERR_SECMEM_IN_USE');
    expect([asked.mock.calls.length, key.receipt.route]).toEqual([0, 'pooled']);
    lease.release();
    name(key);
  });

  it('K6 is refused where the backend has none, and for what is no such key', () => {
    const { memory } = open();
    const key = memory.adoptSync(scalar());
    expect(thrown(() => name(key)).code).toBe('ERR_SECMEM_NOT_SUPPORTED');
    expect(key.receipt.route).toBe('pooled');
    const other = opened();
    expect(() => toTlsKey(other.key, { type: 'P-384', tlsOnly: true })).toThrow(RangeError);
    other.key.write((bytes) => bytes.fill(0));
    expect(thrown(() => name(other.key)).code).toBe('ERR_SECMEM_KEY_INVALID');
    expect(other.memory.stats().keyReferences).toBe(0);
  });

  it('K6 needs a type where no key file said one, and takes none that is no name', () => {
    const { key } = opened();
    expect(() => toTlsKey(key, { tlsOnly: true })).toThrow(/type is needed/);
    expect(() => toTlsKey(key, { type: 'toString' as never, tlsOnly: true })).toThrow(TypeError);
    expect(() => toTlsKey(key, { type: 'P-256', tlsOnly: 1 as never })).toThrow(TypeError);
    expect(() => toPrivateKey({} as never)).toThrow(TypeError);
  });

  it('K6 needs tlsOnly where a KeyObject cannot be of a provider, and gives no KeyObject there', () => {
    const { key, asked } = opened();
    const major = Number(process.versions.node.split('.')[0]);
    if (major >= 24) {
      expect(toTlsKey(key, { type: 'P-256' })).toContain('REFERENCE');
      return;
    }
    for (const call of [toTlsKey, toPrivateKey]) {
      expect(thrown(() => call(key, { type: 'P-256' })).code).toBe('ERR_SECMEM_NOT_SUPPORTED');
    }
    expect(asked).not.toHaveBeenCalled();
  });
});
