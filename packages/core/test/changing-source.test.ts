import { hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hkdf } from '../src/index.js';
import { open, PAGE } from './fixture.js';

const onePage = { kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } } as const;

/** Bytes whose memory can be taken away from them while a call waits. */
function losable(text: Uint8Array): { readonly bytes: Uint8Array; lose(): void } {
  const buffer = new ArrayBuffer(text.length);
  const bytes = new Uint8Array(buffer);
  bytes.set(text);
  return { bytes, lose: () => void structuredClone(buffer, { transfer: [buffer] }) };
}

/** Room for nothing until `holder` is disposed. */
function full() {
  const { memory } = open(onePage);
  const store = memory.store();
  store.setSync('key', losable(Buffer.alloc(32, 1)).bytes);
  const holder = memory.allocateSync(PAGE);
  return { memory, store, holder };
}

describe('P06 what a key is derived from', () => {
  it('is what it was at the call, whatever becomes of the arrays while hkdf() waits for a place', async () => {
    const { memory } = open(onePage);
    const key = memory.adoptSync(losable(Buffer.alloc(32, 3)).bytes);
    const holder = memory.allocateSync(PAGE);
    const [salt, info] = [losable(Buffer.from('salt')), losable(Buffer.from('info'))];
    const options = { byteLength: PAGE, salt: salt.bytes, info: [info.bytes] };
    const waiting = hkdf('sha256', key, options);
    expect(memory.stats().admission.waiting).toBe(1);
    salt.lose();
    info.lose();
    holder.dispose();
    const derived = await waiting;
    const expected = hkdfSync('sha256', Buffer.alloc(32, 3), 'salt', 'info', PAGE);
    expect(derived.equals(new Uint8Array(expected))).toBe(true);
  });
});

describe('P06 a source that loses its bytes while the call waits for a place', () => {
  it.each([
    ['adopt', 'f'.repeat(64)],
    ['fromHex', 'f'.repeat(64)],
    ['fromBase64', 'A'.repeat(64)],
  ] as const)('%s() is refused, and holds no place', async (method, text) => {
    const { memory, holder } = full();
    const { bytes, lose } = losable(Buffer.from(text));
    const call = memory[method](bytes);
    const refused = expect(call).rejects.toBeInstanceOf(TypeError);
    lose();
    holder.dispose();
    await refused;
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  });

  it('set() is refused, and the store is as it was', async () => {
    const { memory, store, holder } = full();
    const { bytes, lose } = losable(Buffer.alloc(64, 2));
    const refused = expect(store.set('other', bytes)).rejects.toBeInstanceOf(TypeError);
    lose();
    holder.dispose();
    await refused;
    expect([...store.keys()]).toEqual(['key']);
    expect(memory.stats().secrets).toBe(0);
  });

  it('set() refuses a secret of another allocator, which keeps it', () => {
    const { store } = full();
    const { memory: other } = open();
    const secret = other.randomSync(32);
    expect(() => store.setSync('other', secret)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_INPUT_INVALID' }),
    );
    expect(secret.disposed).toBe(false);
    expect([...store.keys()]).toEqual(['key']);
  });
});
