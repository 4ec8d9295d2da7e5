import { createDecipheriv, type Decipher, timingSafeEqual } from 'node:crypto';
import { scrypt as scryptOfNoble } from '@noble/hashes/scrypt.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Allocator, pbkdf2, type Secret, scrypt } from '@securemem/core';
import { zero } from '@securemem/core/contract';
import type { Derivation, Keystore } from './keystore.js';
import { KEY_BYTE_LENGTH } from './secp256k1.js';
import { VaultError } from './vault.js';

/** Of the derived key the first half decrypts, and the second one authenticates. */
const HALF_BYTE_LENGTH = 16;

const OFF_HEAP_BYTE_LENGTH = 128;

type ScryptParameters = Omit<Extract<Derivation, { kdf: 'scrypt' }>, 'kdf'>;

/**
 * Node decrypts into a block that it frees as it is, so it is given no more at once than what the C library overwrites in
 * a block that is freed.
 */
const PIECE_BYTE_LENGTH = 8;

/**
 * The private key of a keystore, decrypted into its page. The key that the password gives lies in a page of its own, and is
 * wiped; the keystore is found to be whole, and the password right, before anything is decrypted.
 *
 * `VAULT_BAD_KEY` for another password and for a keystore that was changed: nobody can tell the two apart. Nothing is left then.
 */
export async function openKeystore(
  memory: Allocator,
  keystore: Keystore,
  password: Secret,
): Promise<Secret> {
  const derived = await derivedBy(memory, keystore.derivation, password);
  try {
    if (!isAuthentic(keystore, derived)) {
      const detail = 'the password is another one, or the keystore was changed';
      throw new VaultError('VAULT_BAD_KEY', detail);
    }
    const key = await memory.allocate(KEY_BYTE_LENGTH);
    try {
      decrypt(keystore, derived, key);
      return key;
    } catch (error) {
      key.dispose();
      throw error;
    }
  } finally {
    derived.dispose();
  }
}

async function derivedBy(
  memory: Allocator,
  derivation: Derivation,
  password: Secret,
): Promise<Secret> {
  const { kdf: _, ...parameters } = derivation;
  const options = { into: memory, byteLength: 2 * HALF_BYTE_LENGTH, ...parameters };
  if ('iterations' in options) return pbkdf2('sha256', password, options);
  if (options.cost < 2 ** (16 * options.blockSize)) return scrypt(password, options);
  return byNoble(memory, options, password);
}

/**
 * RFC 7914 wants the cost to be less than 2^(16 r), and OpenSSL does no other; the published example and some old wallets have more.
 * The library works in ordinary memory, on this thread, and wipes its arrays at the end.
 */
function byNoble(
  memory: Allocator,
  { salt, cost: N, blockSize: r, parallelization: p }: ScryptParameters,
  password: Secret,
): Secret {
  // Longer than what V8 keeps on its moving heap.
  const derived = password.read((bytes) =>
    scryptOfNoble(bytes, salt, { N, r, p, dkLen: OFF_HEAP_BYTE_LENGTH }),
  );
  try {
    return memory.adoptSync(derived.subarray(0, 2 * HALF_BYTE_LENGTH));
  } finally {
    zero(derived);
  }
}

/** Whether the MAC is the Keccak-256 of the second half and the ciphertext. The library wipes its state. */
function isAuthentic({ mac, ciphertext }: Keystore, derived: Secret): boolean {
  const hash = keccak_256.create();
  derived.read((bytes) => hash.update(bytes.subarray(HALF_BYTE_LENGTH)));
  return timingSafeEqual(hash.update(ciphertext).digest(), mac);
}

function decrypt({ iv, ciphertext }: Keystore, derived: Secret, key: Secret): void {
  const decipher = derived.read(
    (bytes): Decipher => createDecipheriv('aes-128-ctr', bytes.subarray(0, HALF_BYTE_LENGTH), iv),
  );
  for (let at = 0; at < ciphertext.length; at += PIECE_BYTE_LENGTH) {
    const piece = decipher.update(ciphertext.subarray(at, at + PIECE_BYTE_LENGTH));
    key.write((bytes) => bytes.set(piece, at));
    zero(piece);
  }
  decipher.final();
}
