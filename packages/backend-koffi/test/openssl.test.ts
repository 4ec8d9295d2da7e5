import { createCipheriv, createDecipheriv } from 'node:crypto';
import { isSecureMemoryError, type MemoryBackend, type RegionId } from '@securemem/core/contract';
import type { Address, CType, Ffi } from '@securemem/over-ffi';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { openssl } from '@securemem/over-ffi/openssl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { koffi } from '../src/ffi.js';
import { koffiBackend } from '../src/index.js';
import { runChild } from './children.js';

function filled(byteLength: number, byte: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(byteLength)).fill(byte);
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : (error as Error).name;
  }
  return 'nothing thrown';
}

const KEY = filled(32, 0x11);
const NONCE = filled(12, 0x22);
const DATA = filled(20, 0x33);

describe('seal() and unseal()', () => {
  let backend: MemoryBackend;
  let keys: RegionId;
  let texts: RegionId;

  beforeEach(() => {
    backend = koffiBackend();
    keys = backend.map(4096);
    texts = backend.map(8192);
    backend.write(keys, 64, KEY);
  });

  afterEach(() => {
    backend[Symbol.dispose]();
  });

  const key = () => ({ region: keys, byteOffset: 64, byteLength: 32 });
  const text = (byteOffset: number, byteLength: number) => ({
    region: texts,
    byteOffset,
    byteLength,
  });

  function readText(byteOffset: number, byteLength: number): Uint8Array {
    const target = filled(byteLength, 0xff);
    backend.read(texts, byteOffset, target);
    return target;
  }

  it.each([0, 1, 16, 64, 4097])(
    'interoperate with node:crypto for %i bytes under no-access, which is restored',
    (byteLength) => {
      const plain = filled(byteLength, 0x44);
      backend.write(texts, 5, plain);
      backend.protect(keys, 'no-access');
      backend.protect(texts, 'no-access');
      const sealed = filled(byteLength + 16, 0);
      backend.seal(key(), NONCE, DATA, text(5, byteLength), sealed);

      const theirs = createCipheriv('aes-256-gcm', KEY, NONCE).setAAD(DATA);
      const expected = Buffer.concat([theirs.update(plain), theirs.final(), theirs.getAuthTag()]);
      expect(Buffer.compare(sealed, expected)).toBe(0);

      backend.wipe(texts, 0, 8192);
      backend.unseal(key(), NONCE, DATA, sealed, text(9, byteLength));
      expect(Buffer.compare(readText(9, byteLength), plain)).toBe(0);
      const facts = backend.inspect([keys, texts]);
      for (const fact of facts) expect(fact).toMatchObject({ protection: 'no-access' });
    },
  );

  it('empty associated data is none at all', () => {
    const sealed = filled(16 + 8, 0);
    backend.write(texts, 0, filled(8, 7));
    backend.seal(key(), NONCE, filled(0, 0), text(0, 8), sealed);
    const theirs = createDecipheriv('aes-256-gcm', KEY, NONCE).setAuthTag(sealed.subarray(8));
    expect([...theirs.update(sealed.subarray(0, 8)), ...theirs.final()]).toEqual(Array(8).fill(7));
  });

  it.each([
    ['ciphertext', 0],
    ['tag', 40],
  ])(
    'M10 a flipped bit in the %s is UNSEAL_FAILED; the range reads zero, its neighbours do not',
    (_part, at) => {
      backend.write(texts, 0, filled(64, 0x55));
      const sealed = filled(32 + 16, 0);
      backend.seal(key(), NONCE, DATA, text(0, 32), sealed);
      sealed[at] = (sealed[at] as number) ^ 1;
      backend.protect(texts, 'read-only');
      const opening = () => backend.unseal(key(), NONCE, DATA, sealed, text(16, 32));
      expect(codeOf(opening)).toBe('ERR_SECMEM_UNSEAL_FAILED');
      expect([...readText(0, 64)]).toEqual([
        ...Array(16).fill(0x55),
        ...Array(32).fill(0),
        ...Array(16).fill(0x55),
      ]);
      expect(backend.inspect([texts])[0]).toMatchObject({ protection: 'read-only' });
    },
  );

  it('other associated data, another nonce and another key are UNSEAL_FAILED', () => {
    const sealed = filled(32 + 16, 0);
    backend.seal(key(), NONCE, DATA, text(0, 32), sealed);
    const other = { ...key(), byteOffset: 65 };
    for (const opening of [
      () => backend.unseal(key(), NONCE, filled(20, 0), sealed, text(0, 32)),
      () => backend.unseal(key(), filled(12, 0), DATA, sealed, text(0, 32)),
      () => backend.unseal(other, NONCE, DATA, sealed, text(0, 32)),
    ]) {
      expect(codeOf(opening)).toBe('ERR_SECMEM_UNSEAL_FAILED');
    }
    backend.unseal(key(), NONCE, DATA, sealed, text(0, 32));
  });

  it('key and text may lie in one region, closed or not', () => {
    for (const protection of ['no-access', 'read-only', 'read-write'] as const) {
      backend.protect(keys, protection);
      const sealed = filled(8 + 16, 0);
      const inside = { region: keys, byteOffset: 200, byteLength: 8 };
      backend.seal(key(), NONCE, DATA, inside, sealed);
      backend.unseal(key(), NONCE, DATA, sealed, inside);
      expect(backend.inspect([keys])[0]).toMatchObject({ protection });
    }
  });

  it('wrong lengths are a RangeError and wrong buffers a TypeError; nothing is written', () => {
    const sealed = filled(24, 9);
    const shared = new Uint8Array(new SharedArrayBuffer(24));
    const short = { ...key(), byteLength: 31 };
    const seal = (...parameters: unknown[]) =>
      codeOf(() => (backend.seal as (...all: unknown[]) => void)(...parameters));
    expect(seal(key(), filled(11, 0), DATA, text(0, 8), sealed)).toBe('RangeError');
    expect(seal(key(), NONCE, DATA, text(0, 9), sealed)).toBe('RangeError');
    expect(seal(short, NONCE, DATA, text(0, 8), sealed)).toBe('RangeError');
    expect(seal(key(), NONCE, DATA, text(8190, 8), sealed)).toBe('RangeError');
    expect(seal(key(), NONCE, DATA, text(0, 8), shared)).toBe('TypeError');
    expect(seal(key(), NONCE, 'data', text(0, 8), sealed)).toBe('TypeError');
    expect([...sealed]).toEqual(Array(24).fill(9));
  });
});

describe('openssl()', () => {
  const ffi = koffi.load();
  const errors = new BackendErrors('koffi');
  const library = ffi.library(null);
  type Memset = (address: Address, byte: number, byteLength: number) => unknown;
  const memset = library.func<Memset>('memset', 'pointer', ['pointer', 'int', 'size']);
  const zero = (address: Address, byteLength: number) => void memset(address, 0, byteLength);

  it('is there on this runtime', () => {
    expect(openssl(ffi, zero, errors)).toBeDefined();
  });

  it('is not there where the executable exports no OpenSSL', () => {
    const missing: Ffi = {
      ...ffi,
      library: () => ({
        func: () => {
          throw new Error('Cannot find function');
        },
      }),
    };
    expect(openssl(missing, zero, errors)).toBeUndefined();
  });

  it('is not there where the known question gets another answer', () => {
    type Fetch = (context: null, name: string, properties: null) => Address;
    const other: Ffi = {
      ...ffi,
      library: () => ({
        func: <Call>(name: string, result: CType, parameters: readonly CType[]) => {
          if (name !== 'EVP_CIPHER_fetch') return library.func<Call>(name, result, parameters);
          const fetch = library.func<Fetch>(name, result, parameters);
          return (() => fetch(null, 'ARIA-256-GCM', null)) as Call;
        },
      }),
    };
    expect(openssl(other, zero, errors)).toBeUndefined();
  });

  it('M11 leaves no copy of the key outside its page, where a kept node:crypto cipher does', () => {
    const child = runChild(`
      const { openSync, readSync } = await import('node:fs');
      const { createCipheriv, randomFillSync } = await import('node:crypto');
      const backend = koffiBackend();
      const region = backend.map(4096);
      // The key is known to the scan only in two halves: a mask, and the key under the mask.
      const mask = randomFillSync(new Uint8Array(new ArrayBuffer(32)));
      const view = backend.openView(region, 0, 32);
      randomFillSync(view.bytes);
      const masked = new Uint8Array(new ArrayBuffer(32)).map((_, at) => view.bytes[at] ^ mask[at]);
      const scan = () => {
        const memory = openSync('/proc/self/mem', 'r');
        const chunk = Buffer.allocUnsafeSlow(4 * 1024 * 1024);
        const prefix = Buffer.alloc(4);
        for (let at = 0; at < 4; at += 1) prefix[at] = masked[at] ^ mask[at];
        const own = BigInt(koffi().address(chunk));
        let hits = 0;
        for (const line of readFileSync('/proc/self/maps', 'latin1').split('\\n')) {
          const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line);
          if (range === null || line.includes('[v')) continue;
          const end = BigInt('0x' + range[2]);
          for (let at = BigInt('0x' + range[1]); at < end; at += 4n * 1024n * 1024n - 31n) {
            let length = 0;
            // Another thread of the engine may have given the mapping back since.
            try { length = readSync(memory, chunk, 0, Number(end - at < 4194304n ? end - at : 4194304n), at); } catch { break; }
            for (let found = chunk.indexOf(prefix); found >= 0 && found + 32 <= length; found = chunk.indexOf(prefix, found + 1)) {
              const place = at + BigInt(found);
              if (place >= own && place < own + BigInt(chunk.length)) continue;
              let same = 0;
              while (same < 32 && chunk[found + same] === (masked[same] ^ mask[same])) same += 1;
              if (same === 32) hits += 1;
            }
          }
        }
        chunk.fill(0);
        return hits;
      };
      const key = { region, byteOffset: 0, byteLength: 32 };
      const text = { region, byteOffset: 64, byteLength: 64 };
      const sealed = new Uint8Array(new ArrayBuffer(80));
      const nonce = new Uint8Array(new ArrayBuffer(12));
      for (let round = 0; round < 100; round += 1) {
        backend.seal(key, nonce, mask, text, sealed);
        backend.unseal(key, nonce, mask, sealed, text);
      }
      sealed[0] ^= 1;
      attempt(() => backend.unseal(key, nonce, mask, sealed, text));
      const after = scan();
      const kept = createCipheriv('aes-256-gcm', view.bytes, nonce);
      const control = scan();
      kept.final();
      say({ after, more: control > after });
    `);
    expect(child.stderr).toBe('');
    expect(child.result).toEqual({ after: 1, more: true });
  });
});
