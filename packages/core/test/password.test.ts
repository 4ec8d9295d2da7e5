import { describe, expect, it } from 'vitest';
import { argon2, isSecureMemoryError, pbkdf2, type Secret, scrypt } from '../src/index.js';
import { contentOf, FILL, open, turn } from './fixture.js';

const textOf = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(new ArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  return bytes;
};
const hexOf = (secret: Secret): string => Buffer.from(secret.exportCopy()).toString('hex');
const salt = textOf('0123456789abcdef');

/** Each derivation, made as fast as it goes. */
const derivations: readonly [
  string,
  (password: Secret | Uint8Array, more?: object) => Promise<Secret>,
][] = [
  ['scrypt', (password, more) => scrypt(password, { byteLength: 32, salt, cost: 2, ...more })],
  [
    'pbkdf2',
    (password, more) =>
      pbkdf2('sha256', password, { byteLength: 32, salt, iterations: 1, ...more }),
  ],
];

describe('a derivation from a password', () => {
  it('K3 scrypt: RFC 7914, section 12, vector 2, from a secret and from bytes', async () => {
    const { memory } = open();
    const options = { byteLength: 64, salt: textOf('NaCl'), cost: 1024, parallelization: 16 };
    const expected =
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640';
    const password = memory.adoptSync(textOf('password'));
    expect(hexOf(await scrypt(password, options))).toBe(expected);
    const bytes = textOf('password');
    expect(hexOf(await scrypt(bytes, { ...options, into: memory }))).toBe(expected);
    expect(bytes).toEqual(textOf('password'));
  });

  it('K3 pbkdf2: RFC 7914, section 11, vector 1', async () => {
    const { memory } = open();
    const options = { byteLength: 64, salt: textOf('salt'), iterations: 1 };
    expect(hexOf(await pbkdf2('sha256', memory.adoptSync(textOf('passwd')), options))).toBe(
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    );
  });

  it('K3 argon2: the answer of the reference implementation, or a refusal that names the version of Node', async () => {
    const { memory } = open();
    const password = memory.adoptSync(textOf('password'));
    const options = { byteLength: 32, salt: textOf('somesalt'), passes: 2, parallelism: 1 };
    const derived = await argon2('argon2id', password, options).catch((error: unknown) => {
      if (isSecureMemoryError(error, 'ERR_SECMEM_NOT_SUPPORTED')) return error;
      throw error;
    });
    if (derived instanceof Error) expect(derived.message).toContain('24.7');
    else
      expect(hexOf(derived)).toBe(
        '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
      );
    expect(memory.stats().secrets).toBe(derived instanceof Error ? 1 : 2);
  });

  it.each(derivations)(
    'K3 %s gives the result up when the signal aborts, and nothing is left',
    async (_, derive) => {
      const { memory, kernel } = open();
      const password = memory.adoptSync(textOf('password'));
      const early = derive(password, { signal: AbortSignal.abort(new Error('early')) });
      await expect(early).rejects.toThrow('early');
      const late = new AbortController();
      const deriving = derive(password, { signal: late.signal });
      await turn();
      late.abort(new Error('late'));
      const outcome = await deriving.then(
        (secret) => secret.dispose(),
        (error: Error) => error.message,
      );
      expect([undefined, 'late']).toContain(outcome);
      password.dispose();
      expect(memory.stats().secrets).toBe(0);
      expect(contentOf(kernel)).toBe(0);
    },
  );

  it.each(derivations)(
    'K3 %s goes on when the password is disposed, and its place is another one’s',
    async (_, derive) => {
      const { memory } = open();
      const known = hexOf(await derive(memory.adoptSync(textOf('password'))));
      const password = memory.adoptSync(textOf('password'));
      const deriving = derive(password);
      await turn();
      password.dispose();
      memory.adoptSync(new Uint8Array(new ArrayBuffer(8)).fill(FILL));
      const outcome = await deriving.then(hexOf, (error: { code: string }) => error.code);
      expect([known, 'ERR_SECMEM_DISPOSED']).toContain(outcome);
    },
  );

  it.each(derivations)(
    'K3 %s leaves nothing when the memory is purged meanwhile',
    async (_, derive) => {
      const { memory } = open();
      const deriving = derive(memory.adoptSync(textOf('password')));
      await turn();
      memory.purge();
      const outcome = await deriving.then(
        ({ disposed }) => (disposed ? 'ERR_SECMEM_DISPOSED' : 'derived'),
        (error: { code: string }) => error.code,
      );
      expect(outcome).toBe('ERR_SECMEM_DISPOSED');
      expect(memory.stats().secrets).toBe(0);
    },
  );

  it.each(derivations)(
    'K3 %s refuses what is no password and what is no salt',
    async (_, derive) => {
      const { memory } = open();
      const password = memory.adoptSync(textOf('password'));
      for (const wrong of ['password', undefined, 5] as never[]) {
        await expect(derive(wrong, { into: memory })).rejects.toThrow(TypeError);
      }
      await expect(derive(textOf('password'))).rejects.toThrow('into must be given');
      await expect(derive(password, { salt: 'text' })).rejects.toThrow(TypeError);
      await expect(derive(password, { byteLength: 0 })).rejects.toThrow(RangeError);
      await expect(derive(password, { iteration: 5 })).rejects.toThrow('unknown option');
      expect(memory.stats().secrets).toBe(1);
    },
  );

  it('K3 parameters that the algorithm does not take are refused, and nothing is left', async () => {
    const { memory } = open();
    const password = memory.adoptSync(textOf('password'));
    const calls = [
      () => scrypt(password, { byteLength: 32, salt, cost: 3 }),
      () => scrypt(password, { byteLength: 32, salt, cost: 0 }),
      () => scrypt(password, { byteLength: 32, salt, cost: 2, parallelization: 2 ** 31 }),
      () => pbkdf2('sha256', password, { byteLength: 32, salt, iterations: 0 }),
      () => pbkdf2('no-such-hash', password, { byteLength: 32, salt, iterations: 1 }),
      () => argon2('argon2' as never, password, { byteLength: 32, salt }),
      () => argon2('argon2id', password, { byteLength: 32, salt, memory: 7 }),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow();
    expect(memory.stats().secrets).toBe(1);
  });
});
