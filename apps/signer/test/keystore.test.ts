import { encryptKeystoreJsonSync, Wallet } from 'ethers';
import { describe, expect, test } from 'vitest';
import { readKeystore } from '../src/signing/keystore.js';
import { openKeystore } from '../src/signing/keystore-opening.js';
import { fromHex, testMemory } from './memory.js';

/**
 * Test vectors of the Web3 Secret Storage Definition (ethereum.org, "Web3 Secret Storage Definition", section "Test Vectors"), for
 * one password and one key.
 */
const PASSWORD = 'testpassword';
const SECRET = '7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const BY_PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
};
const BY_SCRYPT = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
    ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
    kdf: 'scrypt',
    kdfparams: {
      dklen: 32,
      n: 262144,
      p: 8,
      r: 1,
      salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
    },
    mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
};

const documentOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** The vector with one field changed, by its path. */
function changed(vector: object, path: string, value: unknown): object {
  const copy = structuredClone(vector) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() as string;
  let at = copy;
  for (const name of names) at = at[name] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

async function opened(keystore: object, password = PASSWORD) {
  const memory = testMemory();
  const secret = memory.adoptSync(fromHex(Buffer.from(password).toString('hex')));
  try {
    const key = await openKeystore(memory, readKeystore(documentOf(keystore)), secret);
    return { memory, key: Buffer.from(key.exportCopy()).toString('hex') };
  } finally {
    secret.dispose();
    // A refusal leaves nothing but the password, which was the caller's.
    expect(memory.stats().secrets).toBeLessThanOrEqual(1);
  }
}

describe('a keystore of Web3 Secret Storage', () => {
  test.each([
    ['PBKDF2', BY_PBKDF2],
    ['scrypt', BY_SCRYPT],
  ])('K4 by %s opens to the published key', async (_, vector) => {
    expect((await opened(vector)).key).toBe(SECRET);
  });

  test('K4 that a wallet wrote opens to its key, and says of which address it is', async () => {
    const { address, privateKey } = Wallet.createRandom();
    const scrypt = { N: 1024, r: 8, p: 1 };
    const text = encryptKeystoreJsonSync({ address, privateKey }, PASSWORD, { scrypt });
    const { key } = await opened(JSON.parse(text));
    expect(`0x${key}`).toBe(privateKey);
    const said = readKeystore(new TextEncoder().encode(text));
    expect(`0x${said.address}`).toBe(address.toLowerCase());
  });

  test('K4 is refused with another password, and where a byte of iv, salt, MAC or ciphertext is another one', async () => {
    const refused = { code: 'VAULT_BAD_KEY' };
    const fast = changed(BY_PBKDF2, 'crypto.kdfparams.c', 1);
    await expect(opened(BY_PBKDF2, 'testpasswore')).rejects.toMatchObject(refused);
    await expect(opened(fast)).rejects.toMatchObject(refused);
    for (const path of ['ciphertext', 'mac', 'kdfparams.salt']) {
      const keystore = changed(BY_PBKDF2, `crypto.${path}`, 'ab'.repeat(32));
      await expect(opened(keystore), path).rejects.toMatchObject(refused);
    }
  });

  test.each([
    ['version', 1],
    ['version', '3'],
    ['crypto', undefined],
    ['crypto', []],
    ['crypto.cipher', 'aes-128-cbc'],
    ['crypto.cipherparams', null],
    ['crypto.cipherparams.iv', '00'],
    ['crypto.ciphertext', 'ab'.repeat(31)],
    ['crypto.ciphertext', 'ab'.repeat(33)],
    ['crypto.ciphertext', 'xy'.repeat(32)],
    ['crypto.mac', 5],
    ['crypto.kdf', 'argon2'],
    ['crypto.kdf', '__proto__'],
    ['crypto.kdfparams.dklen', 16],
    ['crypto.kdfparams.salt', ''],
    ['crypto.kdfparams.salt', 'ab'.repeat(129)],
    ['crypto.kdfparams.n', 3],
    ['crypto.kdfparams.n', 1],
    ['crypto.kdfparams.n', 2 ** 40],
    ['crypto.kdfparams.n', 1.5],
    ['crypto.kdfparams.n', '262144'],
    ['crypto.kdfparams.r', 2 ** 20],
    ['crypto.kdfparams.r', 0],
    ['crypto.kdfparams.p', 2 ** 20],
    ['crypto.kdfparams.p', -1],
    ['address', 'not an address'],
  ])('K4 with %s %s is refused before anything is derived', (path, value) => {
    const keystore = documentOf(changed(BY_SCRYPT, path, value));
    expect(() => readKeystore(keystore)).toThrow(
      expect.objectContaining({ code: 'VAULT_BAD_KEY' }),
    );
  });

  test.each([
    ['rounds without end', 2 ** 31],
    ['no rounds', 0],
    ['half a round', 0.5],
  ])('K4 by PBKDF2 with %s is refused before anything is derived', (_, c) => {
    const keystore = documentOf(changed(BY_PBKDF2, 'crypto.kdfparams.c', c));
    expect(() => readKeystore(keystore)).toThrow(
      expect.objectContaining({ code: 'VAULT_BAD_KEY' }),
    );
    const prf = documentOf(changed(BY_PBKDF2, 'crypto.kdfparams.prf', 'hmac-sha512'));
    expect(() => readKeystore(prf)).toThrow(expect.objectContaining({ code: 'VAULT_BAD_KEY' }));
  });

  test('K4 that is none is refused, and nothing of it is repeated', () => {
    const deep = `${'['.repeat(8000)}${']'.repeat(8000)}`;
    const texts = [
      '',
      SECRET,
      `"${SECRET}"`,
      '{}',
      '[]',
      'null',
      deep,
      'x'.repeat(20_000),
      '\uD800',
    ];
    for (const text of texts) {
      let message = '';
      try {
        readKeystore(new TextEncoder().encode(text));
      } catch (error) {
        expect(error).toMatchObject({ code: 'VAULT_BAD_KEY' });
        ({ message } = error as Error);
      }
      expect(message).not.toBe('');
      expect(message).not.toContain(SECRET.slice(0, 8));
    }
    expect(() => readKeystore(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow('no JSON');
  });
});
