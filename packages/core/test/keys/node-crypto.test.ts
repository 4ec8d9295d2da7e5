import type { Decipher } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { open } from '../fixture.js';
import { taken } from './doors.js';
import { bytesOf, sampleOf } from './samples.js';

/** What `update()` gave: as it was then, and the memory itself. */
const given = vi.hoisted(() => ({ pieces: [] as Buffer[], memory: [] as Buffer[] }));
/** Keys of ciphers that were derived. */
const derived = vi.hoisted(() => ({ memory: [] as Buffer[] }));

/** Whether the runtime has no public keys of some kind, as Bun. */
const runtime = vi.hoisted(() => ({ lacksKeys: false }));

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  const createDecipheriv = (...args: Parameters<typeof crypto.createDecipheriv>): Decipher => {
    const decipher = crypto.createDecipheriv(...args);
    const update = decipher.update.bind(decipher);
    decipher.update = ((block: Buffer) => {
      const piece = update(block);
      given.pieces.push(Buffer.from(piece));
      given.memory.push(piece);
      return piece;
    }) as Decipher['update'];
    return decipher;
  };
  const pbkdf2 = (...args: Parameters<typeof crypto.pbkdf2>): void => {
    const done = args.pop() as Parameters<typeof crypto.pbkdf2>[5];
    const heard: typeof done = (error, key) => {
      if (error === null) derived.memory.push(key);
      done(error, key);
    };
    crypto.pbkdf2(...([...args, heard] as unknown as Parameters<typeof crypto.pbkdf2>));
  };
  const createPublicKey = (...args: Parameters<typeof crypto.createPublicKey>) => {
    if (runtime.lacksKeys) throw new Error('Failed to read asymmetric key');
    return crypto.createPublicKey(...args);
  };
  // Named, since a mock refuses what the module of this Node may not have.
  return { argon2: undefined, ...crypto, createDecipheriv, createPublicKey, pbkdf2 };
});

it('K5 what node:crypto gives out of a decryption is never the plaintext, and all of it is wiped', async () => {
  const { memory } = open();
  const { key } = sampleOf('RSA');
  const passphrase = memory.adoptSync(bytesOf('correct horse'));
  const options = { cipher: 'aes-256-cbc', passphrase: 'correct horse' };
  const file = key.export({ format: 'der', type: 'pkcs8', ...options });
  await taken(memory, 'fromDer', file, { passphrase });
  const plaintext = key.export({ format: 'der', type: 'pkcs8' });
  expect(given.pieces.length).toBe(Math.floor(plaintext.length / 16) + 1);
  for (const [index, piece] of given.pieces.entries()) {
    const block = plaintext.subarray(16 * index, 16 * index + 16);
    if (block.length === 16) expect(piece.equals(block)).toBe(false);
  }
  const wiped = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);
  expect(given.memory.every(wiped)).toBe(true);
  expect([derived.memory.length, derived.memory.every(wiped)]).toEqual([1, true]);
});

it('K4 a runtime without public keys of a kind refuses, typed, and nothing is left', async () => {
  const { memory } = open();
  const files = ['secp256k1', 'RSA'].map((type) =>
    sampleOf(type).key.export({ format: 'der', type: 'pkcs8' }),
  );
  runtime.lacksKeys = true;
  onTestFinished(() => {
    runtime.lacksKeys = false;
  });
  for (const file of files) {
    const source = bytesOf(file);
    const code = 'ERR_SECMEM_NOT_SUPPORTED';
    await expect(memory.fromDer(source)).rejects.toMatchObject({ code });
    expect(Buffer.compare(source, file)).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  }
});
