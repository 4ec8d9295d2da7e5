import { createHash, generateKeyPairSync, type JsonWebKey, verify } from 'node:crypto';
import { isSecureMemoryError, type MemoryBackend } from '@securemem/core/contract';
import type { CType, Ffi } from '@securemem/over-ffi';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { koffi } from '../src/ffi.js';
import { koffiBackend } from '../src/index.js';

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
};
const scratch = (byteLength: number) => new Uint8Array(new ArrayBuffer(byteLength));

/** The same number with one bit changed. */
function changed(number: string): string {
  const bytes = Buffer.from(number, 'base64url');
  bytes[9] = Number(bytes[9]) ^ 4;
  return bytes.toString('base64url');
}

/** `RSAPrivateKey` in DER, of whatever numbers: Node 26 makes no key object of those that do not belong together. */
function rsaPrivateKey(numbers: JsonWebKey): Buffer {
  const element = (tag: number, content: Buffer): Buffer => {
    const { length } = content;
    const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    const header = Buffer.from([tag, ...(length < 0x80 ? [length] : long)]);
    return Buffer.concat([header, content]);
  };
  const names = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;
  const integers = names.map((name) => {
    const bytes = Buffer.from(String(numbers[name]), 'base64url');
    const positive = Number(bytes[0]) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
    return element(2, positive);
  });
  return element(0x30, Buffer.concat([element(2, Buffer.of(0)), ...integers]));
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : (error as Error).name;
  }
  return 'nothing thrown';
}

describe('keys by the OpenSSL of this runtime', () => {
  let backend: MemoryBackend;
  beforeEach(() => {
    backend = koffiBackend();
  });
  afterEach(() => {
    backend[Symbol.dispose]();
  });

  it('K1 leave no error behind for node:crypto to find', () => {
    const runtime = koffi.load().library(null);
    const peek = runtime.func<() => number>('ERR_peek_error', 'int64', []);
    const region = backend.map(4096);
    const key = { region, byteOffset: 0, byteLength: 32 };
    const secret = { region, byteOffset: 128, byteLength: 32 };
    const refused: [string, () => unknown, string][] = [
      ['a scalar of 0', () => backend.sign('ES256', key, scratch(32), scratch(64)), 'KEY'],
      ['no RSA', () => backend.sign('RS256', key, scratch(32), scratch(256)), 'KEY'],
      ['small order', () => backend.agree('X25519', key, scratch(32), secret), 'PEER'],
    ];
    for (const [what, call, code] of refused) {
      expect([what, codeOf(call)]).toEqual([what, `ERR_SECMEM_${code}_INVALID`]);
      expect([what, peek()]).toEqual([what, 0]);
    }
    backend.write(region, 0, scratch(32).fill(7));
    expect(codeOf(() => backend.agree('ECDH-P-256', key, scratch(65), secret))).toBe(
      'ERR_SECMEM_PEER_INVALID',
    );
    expect(peek()).toBe(0);
  });

  it('K1 RSA gives out no signature that is wrong, whose numbers ever do not belong together', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = pair.privateKey.export({ format: 'jwk' });
    const region = backend.map(4096);
    const message = Buffer.from('data');
    const digest = own(createHash('sha256').update(message).digest());
    const outcomes = [['d'], ['dp'], ['d', 'dp'], ['d', 'dq'], ['p'], ['d', 'qi']].map((names) => {
      const wrong = Object.fromEntries(names.map((name) => [name, changed(String(jwk[name]))]));
      const der = own(rsaPrivateKey({ ...jwk, ...wrong }));
      backend.write(region, 0, scratch(4096));
      backend.write(region, 0, der);
      const range = { region, byteOffset: 0, byteLength: der.length };
      const target = scratch(256);
      const outcome = codeOf(() => backend.sign('RS256', range, digest, target));
      // OpenSSL notices one wrong number and calculates without it.
      if (outcome === 'nothing thrown') return verify('sha256', message, pair.publicKey, target);
      return [outcome, target.every((byte) => byte === 0)].join();
    });
    const refused = 'ERR_SECMEM_KEY_INVALID,true';
    expect(outcomes.filter((outcome) => outcome !== true && outcome !== refused)).toEqual([]);
    // The second line of defence is needed where both the short way and the long one are wrong.
    expect([outcomes[2], outcomes[3]]).toEqual([refused, refused]);
  });

  it('K1 RSA refuses DER that can be written in another way', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = privateKey.export({ format: 'der', type: 'pkcs1' });
    // The outer length in three bytes instead of two.
    const longer = Buffer.concat([der.subarray(0, 1), Buffer.of(0x83, 0), der.subarray(2)]);
    const region = backend.map(4096);
    const key = { region, byteOffset: 0, byteLength: longer.length };
    backend.write(region, 0, own(longer));
    expect(codeOf(() => backend.publicKey('RSA', key, scratch(1024)))).toBe(
      'ERR_SECMEM_KEY_INVALID',
    );
  });

  it('K1 a target that is too short for the modulus is refused, and nothing is written', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = own(privateKey.export({ format: 'der', type: 'pkcs1' }));
    const region = backend.map(4096);
    backend.write(region, 0, der);
    const key = { region, byteOffset: 0, byteLength: der.length };
    const target = scratch(255).fill(1);
    expect(codeOf(() => backend.sign('RS256', key, scratch(32), target))).toBe('RangeError');
    expect(target.every((byte) => byte === 1)).toBe(true);
  });
});

type Call = (...values: unknown[]) => unknown;

/** What uses keys here, with somebody standing before one function of OpenSSL, or without that function. */
async function keysBehind(symbol: string, instead: ((real: Call) => Call) | undefined) {
  vi.resetModules();
  const { opensslKeys } = await import('@securemem/over-ffi/openssl-keys');
  const real = koffi.load();
  const ffi: Ffi = {
    ...real,
    library: (name) => ({
      func: <F>(wanted: string, result: CType, parameters: readonly CType[]) => {
        const call = real.library(name).func<Call>(wanted, result, parameters);
        if (wanted !== symbol) return call as F;
        if (instead === undefined) throw new Error('there is no such symbol');
        return instead(call) as F;
      },
    }),
  };
  return opensslKeys(ffi, new BackendErrors('koffi'));
}

describe('an OpenSSL that is not as it must be', () => {
  it('K1 claims nothing of what gives a wrong answer, and all the rest', async () => {
    const claimed = async (...behind: Parameters<typeof keysBehind>) =>
      (await keysBehind(...behind))?.algorithms ?? [];
    const all = await claimed('none of that name', undefined);
    expect(all.length).toBe(16);
    const lies = await claimed('EC_POINT_mul', () => () => 1);
    expect(lies).toEqual(all.filter((name) => !name.startsWith('ES') && !name.startsWith('ECDH')));
    const flipped = await claimed('ECDH_compute_key', () => () => 32);
    expect(flipped).toEqual(all.filter((name) => !name.startsWith('ECDH')));
    const missing = await claimed('RSA_private_encrypt', undefined);
    expect(missing).toEqual(all.filter((name) => !/^[RP]S/.test(name)));
    const silent = await claimed('EVP_DigestSign', () => () => 1);
    expect(silent).toEqual(all.filter((name) => name !== 'Ed25519'));
  });
});

describe('the blinding of RSA', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const der = own(privateKey.export({ format: 'der', type: 'pkcs1' }));
  const message = Buffer.from('data');
  const digest = own(createHash('sha256').update(message).digest());

  /** Signs with each number that OpenSSL is given and what it makes of it in the hands of `meddle`. */
  async function signing(meddle: (from: Uint8Array, to: Uint8Array) => void) {
    const keys = await keysBehind('RSA_private_encrypt', (real) => (length, from, to, ...rest) => {
      const given = Uint8Array.from(from as Uint8Array);
      const written = real(length, from, to, ...rest);
      meddle(given, to as Uint8Array);
      return written;
    });
    return (target: Uint8Array) =>
      keys?.sign('RS256', koffi.load().address(der), der.length, digest, target);
  }

  it('K1 gives OpenSSL another number each time, and never the one that is signed', async () => {
    const numbers: string[] = [];
    const sign = await signing((from) => numbers.push(Buffer.from(from).toString('hex')));
    numbers.length = 0; // The known questions were asked with another key.
    const target = scratch(256);
    for (let round = 0; round < 20; round++) {
      expect(sign(target)).toBe(256);
      expect(verify('sha256', message, publicKey, target)).toBe(true);
    }
    expect(new Set(numbers).size).toBe(20);
    expect(numbers.filter((number) => number.includes('ffffffff'.repeat(8)))).toEqual([]);
  });

  it('K1 gives out nothing when the calculation went wrong, which would give the primes away', async () => {
    let faulty = false;
    const sign = await signing((_, to) => {
      if (faulty) to[200] = Number(to[200]) ^ 1;
    });
    const target = scratch(256);
    expect(sign(target)).toBe(256);
    faulty = true;
    target.fill(0);
    expect(sign(target)).toBe('key');
    expect(target.every((byte) => byte === 0)).toBe(true);
  });
});
