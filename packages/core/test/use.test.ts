import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  decrypt,
  encrypt,
  hash,
  hkdf,
  hmac,
  type Phase,
  type Secret,
  toKeyObject,
} from '../src/index.js';
import { open } from './fixture.js';

const bytesOf = (hex: string): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(hex.length / 2));
  bytes.set(Buffer.from(hex, 'hex'));
  return bytes;
};
const hexOf = (secret: Secret): string => secret.read((b) => Buffer.from(b).toString('hex'));
const label = Buffer.from('context');

/** RFC 5869, appendix A, cases 1 to 3. */
const HKDF_VECTORS = [
  {
    ikm: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    salt: '000102030405060708090a0b0c',
    info: 'f0f1f2f3f4f5f6f7f8f9',
    okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    ikm: [...Array(80).keys()].map((n) => n.toString(16).padStart(2, '0')).join(''),
    salt: [...Array(80).keys()].map((n) => (n + 0x60).toString(16)).join(''),
    info: [...Array(80).keys()].map((n) => (n + 0xb0).toString(16)).join(''),
    okm:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
      'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    ikm: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    salt: '',
    info: '',
    okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
] as const;

describe.each([
  ['views and a cipher of its own', { views: 'revocable', cipher: 'in-place' }, 'accessible'],
  ['views and no cipher', { views: 'revocable', cipher: 'none' }, 'accessible'],
  ['copies and no cipher', { views: 'none', cipher: 'none' }, 'accessible'],
  ['a cipher, its pages closed at rest', { cipher: 'in-place' }, 'no-access'],
  ['no cipher, its pages closed at rest', { cipher: 'none' }, 'no-access'],
] as const)('consumers on a backend with %s', (_, capabilities, atRest) => {
  const opened = () => open({ capabilities, atRest });

  it('hash() and hmac() give what node:crypto gives', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(bytesOf('00112233'));
    const bytes = Buffer.from('00112233', 'hex');
    expect(hash('sha256', secret)).toEqual(createHash('sha256').update(bytes).digest());
    expect(hmac('sha512', secret, 'data')).toEqual(
      createHmac('sha512', bytes).update('data').digest(),
    );
    expect(() => hash('no-such-hash', secret)).toThrow();
  });

  it.each(HKDF_VECTORS)('hkdf() gives the vectors of RFC 5869: $okm', async (vector) => {
    const { memory } = opened();
    const key = memory.adoptSync(bytesOf(vector.ikm));
    const derived = await hkdf('sha256', key, {
      byteLength: vector.okm.length / 2,
      salt: bytesOf(vector.salt),
      info: bytesOf(vector.info),
    });
    expect(hexOf(derived)).toBe(vector.okm);
  });

  it('hkdf() gives what node:crypto gives, for every digest and up to the longest result', async () => {
    const { memory } = opened();
    const key = memory.adoptSync(bytesOf('aa'.repeat(40)));
    for (const [algorithm, length] of [
      ['sha1', 20],
      ['sha384', 48],
      ['sha512', 64],
    ] as const) {
      for (const byteLength of [1, length, length + 1, 255 * length]) {
        const derived = await hkdf(algorithm, key, { byteLength, info: ['con', label] });
        const info = Buffer.concat([Buffer.from('con'), label]);
        const expected = hkdfSync(algorithm, Buffer.alloc(40, 0xaa), '', info, byteLength);
        expect(hexOf(derived)).toBe(Buffer.from(expected).toString('hex'));
        derived.dispose();
      }
      const tooLong = hkdf(algorithm, key, { byteLength: 255 * length + 1 });
      await expect(tooLong).rejects.toThrow(RangeError);
    }
    expect(memory.stats().secrets).toBe(1);
  });

  it.each(['aes-256-gcm', 'chacha20-poly1305'] as const)(
    'encrypt() and decrypt() are inverse under %s, and understood by node:crypto',
    async (algorithm) => {
      const { memory } = opened();
      const key = memory.adoptSync(bytesOf('5a'.repeat(32)));
      const rawKey = Buffer.alloc(32, 0x5a);
      const options = { authTagLength: 16 };
      for (const length of [1, 15, 16, 17, 64, 5000]) {
        const plaintext = memory.adoptSync(bytesOf('c3'.repeat(length)));
        const message = encrypt(algorithm, key, plaintext, { associatedData: label });
        expect(message.length).toBe(12 + length + 16);
        const back = await decrypt(algorithm, key, message, { associatedData: label });
        expect(back.equals(plaintext)).toBe(true);

        const decipher = createDecipheriv(
          algorithm as never,
          rawKey,
          message.subarray(0, 12),
          options,
        );
        decipher.setAAD(label, { plaintextLength: length } as never);
        decipher.setAuthTag(message.subarray(-16));
        const opened = Buffer.concat([
          decipher.update(message.subarray(12, -16)),
          decipher.final(),
        ]);
        expect(opened).toEqual(Buffer.alloc(length, 0xc3));

        const nonce = Buffer.alloc(12, 7);
        const cipher = createCipheriv(algorithm as never, rawKey, nonce, options);
        cipher.setAAD(label, { plaintextLength: length } as never);
        const foreign = [nonce, cipher.update(opened), cipher.final(), cipher.getAuthTag()];
        const read = await decrypt(algorithm, key, Buffer.concat(foreign), {
          associatedData: label,
        });
        expect(read.equals(plaintext)).toBe(true);
        for (const secret of [plaintext, back, read]) secret.dispose();
      }
    },
  );

  it.each(['aes-256-gcm', 'chacha20-poly1305'] as const)(
    'N19 encrypt() takes ordinary bytes under %s, and leaves them as they are',
    async (algorithm) => {
      const { memory } = opened();
      const key = memory.randomSync(32);
      for (const plaintext of [Buffer.from('a=1; b=2'), Buffer.alloc(5000, 7), bytesOf('00')]) {
        const before = Buffer.from(plaintext);
        const message = encrypt(algorithm, key, plaintext, { associatedData: label });
        expect(before.equals(plaintext)).toBe(true);
        expect(message.length).toBe(12 + before.length + 16);
        const back = await decrypt(algorithm, key, message, { associatedData: label });
        expect(back.equals(before)).toBe(true);
        back.dispose();
        const unbound = decrypt(algorithm, key, message);
        await expect(unbound).rejects.toMatchObject({ code: 'ERR_SECMEM_UNSEAL_FAILED' });
      }
      expect(() => encrypt(algorithm, key, new Uint8Array(0))).toThrow(RangeError);
      expect(() => encrypt(algorithm, key, 'text' as never)).toThrow(
        'plaintext must be a Secret or a Uint8Array, not a string',
      );
      const short = memory.randomSync(31);
      expect(() => encrypt(algorithm, short, Buffer.from('x'))).toThrow(RangeError);
      short.dispose();
      expect(() => encrypt(algorithm, short, Buffer.from('x'))).toThrow(
        expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' }),
      );
      expect(memory.stats().secrets).toBe(1);
    },
  );

  it.each(['aes-256-gcm', 'chacha20-poly1305'] as const)(
    'decrypt() refuses whatever was changed under %s, and leaves nothing allocated',
    async (algorithm) => {
      const { memory } = opened();
      const key = memory.randomSync(32);
      const other = memory.randomSync(32);
      const plaintext = memory.randomSync(24);
      const message = encrypt(algorithm, key, plaintext, { associatedData: label });
      const refused = { code: 'ERR_SECMEM_UNSEAL_FAILED' };
      for (let i = 0; i < message.length; i++) {
        const changed = message.slice();
        changed[i] = (changed[i] as number) ^ 1;
        const failed = decrypt(algorithm, key, changed, { associatedData: label });
        await expect(failed).rejects.toMatchObject(refused);
      }
      await expect(decrypt(algorithm, key, message)).rejects.toMatchObject(refused);
      const wrongKey = decrypt(algorithm, other, message, { associatedData: label });
      await expect(wrongKey).rejects.toMatchObject(refused);
      const short = decrypt(algorithm, key, message.subarray(0, 28));
      await expect(short).rejects.toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID' });
      expect(memory.stats().secrets).toBe(3);
    },
  );

  it('encrypt() takes another nonce each time', () => {
    const { memory } = opened();
    const key = memory.randomSync(32);
    const nonces = new Set(
      Array.from({ length: 100 }, () =>
        Buffer.from(encrypt('aes-256-gcm', key, key).subarray(0, 12)).toString('hex'),
      ),
    );
    expect(nonces.size).toBe(100);
  });

  it('toKeyObject() copies the bytes', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(bytesOf('00112233'));
    const expected = createSecretKey(Buffer.from('00112233', 'hex'));
    expect(toKeyObject(secret).equals(expected)).toBe(true);
  });
});

describe('consumers', () => {
  it('X15 refuse a secret that is gone, where a revoked view makes an HMAC under the empty key', async () => {
    const { memory } = open();
    const key = memory.randomSync(32);
    const live = memory.randomSync(32);
    const message = encrypt('aes-256-gcm', key, live);
    let view: Uint8Array = new Uint8Array();
    key.read((bytes) => {
      view = bytes;
    });
    key.dispose();
    const empty = createHmac('sha256', '').update('body').digest();
    expect(createHmac('sha256', view).update('body').digest()).toEqual(empty);
    const gone = expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' });
    for (const consume of [
      () => hmac('sha256', key, 'body'),
      () => hash('sha256', key),
      () => encrypt('aes-256-gcm', key, live),
      () => encrypt('chacha20-poly1305', live, key),
      () => toKeyObject(key),
    ]) {
      expect(consume).toThrow(gone);
    }
    await expect(hkdf('sha256', key, { byteLength: 32 })).rejects.toEqual(gone);
    await expect(decrypt('aes-256-gcm', key, message)).rejects.toEqual(gone);
    expect(memory.stats().secrets).toBe(1);
  });

  it('A9 decrypt() says what failed when the plaintext cannot be written, and leaves nothing', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' } });
    const key = memory.randomSync(32);
    const message = encrypt('chacha20-poly1305', key, memory.randomSync(24));
    const before = backend.calls('write');
    await decrypt('chacha20-poly1305', key, message);
    // The plaintext is written last.
    backend.fail('write', { on: backend.calls('write') - before });
    const failed = decrypt('chacha20-poly1305', key, message);
    await expect(failed).rejects.toMatchObject({ code: 'ERR_SECMEM_PLATFORM' });
    expect(memory.stats().secrets).toBe(3);
  });

  it('refuse a key that is disposed while the result waits for a place', async () => {
    const { memory } = open({ budget: { secretsMax: 2 } });
    const key = memory.randomSync(32);
    const blocker = memory.randomSync(32);
    const derived = hkdf('sha256', key, { byteLength: 32 });
    const refused = expect(derived).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    key.dispose();
    blocker.dispose();
    await refused;
    expect(memory.stats().secrets).toBe(0);
  });

  it('give a result to whom the key belongs, or to whom they are told', async () => {
    const { memory } = open();
    const key = memory.randomSync(32);
    const owned = async (phase: Phase) => {
      const own = await hkdf('sha256', phase.randomSync(32), { byteLength: 32 });
      const told = await hkdf('sha256', key, { byteLength: 32, into: phase });
      const parents = await hkdf('sha256', key, { byteLength: 32 });
      return [own, told, parents] as const;
    };
    const [own, told, parents] = await memory.phase(owned);
    expect([own.disposed, told.disposed, parents.disposed]).toEqual([true, true, false]);
  });

  it('check their arguments', async () => {
    const { memory } = open();
    const short = memory.randomSync(31);
    const key = memory.randomSync(32);
    expect(() => encrypt('aes-256-gcm', short, key)).toThrow(RangeError);
    expect(() => encrypt('aes-128-gcm' as never, key, key)).toThrow(TypeError);
    expect(() => encrypt(undefined as never, key, key)).toThrow(TypeError);
    expect(() => encrypt('aes-256-gcm', key, key, { associatedData: 'x' as never })).toThrow(
      TypeError,
    );
    expect(() => hmac('sha256', key, 7 as never)).toThrow(TypeError);
    await expect(decrypt('aes-256-gcm', key, 'x' as never)).rejects.toThrow(TypeError);
    await expect(hkdf('sha256', key, { byteLength: 0 })).rejects.toThrow(RangeError);
    await expect(hkdf('sha256', key, { byteLength: 1, salt: 'x' as never })).rejects.toThrow(
      TypeError,
    );
    await expect(hkdf('none', key, { byteLength: 1 })).rejects.toThrow();
    const message = encrypt('aes-256-gcm', key, short);
    await expect(decrypt('aes-256-gcm', short, message)).rejects.toThrow(RangeError);
    expect(memory.stats().secrets).toBe(2);
  });
});
