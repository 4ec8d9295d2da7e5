import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import { integer, oneOf, REGION_BYTE_LENGTH_MAX } from '../options.js';
import { sealPlace, unsealPlace } from '../sealing/cipher.js';
import { plaintextOf } from '../sealing/plaintext.js';
import { isSecret, placeOf, requireSecret, type Secret, withBytes } from '../secret/secret.js';
import { DERIVED_NAMES, type DerivedOptions, derive, wipe } from './derived.js';

/** Authenticated ciphers with a key of 32 bytes, a nonce of 12 and a tag of 16. */
export type AeadAlgorithm = 'aes-256-gcm' | 'chacha20-poly1305';

/** What `encrypt()` takes. */
export interface EncryptOptions {
  /** Bound to the ciphertext, not in it; the same must be given to `decrypt`. Default: none. */
  readonly associatedData?: Uint8Array;
}

export interface DecryptOptions extends DerivedOptions, EncryptOptions {}

const KEY_BYTE_LENGTH = 32;
const NONCE_BYTE_LENGTH = 12;
const TAG_BYTE_LENGTH = 16;
const NOTHING = new Uint8Array(new ArrayBuffer(0));

/**
 * Encrypts under a secret key, into bytes for a disk or a wire: a random nonce (12 bytes), the ciphertext, the tag (16 bytes). The
 * plaintext is a secret, or ordinary bytes (1 to 2^30), such as a cookie or a field of a database, which stay as they are. Of
 * a secret AES-256-GCM goes from page to ciphertext inside the backend where that can; otherwise `node:crypto` is given the
 * pages. Encrypt at most 2^32 messages under one key, since nonces are random (NIST SP 800-38D, section 8.3).
 *
 * Throws `RangeError` unless the key has 32 bytes, or for bytes out of range, `ERR_SECMEM_DISPOSED`, and `ERR_SECMEM_IN_USE`
 * while one of the two is written to.
 */
export function encrypt(
  algorithm: AeadAlgorithm,
  key: Secret,
  plaintext: Secret | Uint8Array,
  options?: EncryptOptions,
): Uint8Array {
  checkAlgorithm(algorithm);
  requireSecret(key, 'key');
  checkPlaintext(plaintext);
  const own = ownOptions(options, ['associatedData'], 'options');
  const associatedData = checkAssociatedData(own);
  return withBytes(key, 'read', (keyBytes) => {
    checkKey(keyBytes);
    if (!isSecret(plaintext)) {
      return messageOf(plaintext.length, (nonce, target) =>
        encryptByNode(algorithm, { key: keyBytes, nonce, associatedData }, plaintext, target),
      );
    }
    return withBytes(plaintext, 'read', (bytes) =>
      messageOf(bytes.length, (nonce, target) => {
        if (algorithm === 'aes-256-gcm') {
          sealPlace({ ...keyPlace(key), nonce, associatedData }, placeOf(plaintext), target);
        } else {
          encryptByNode(algorithm, { key: keyBytes, nonce, associatedData }, bytes, target);
        }
      }),
    );
  });
}

/** A message with a nonce of its own, whose ciphertext and tag `fill` writes. */
function messageOf(
  byteLength: number,
  fill: (nonce: Uint8Array, target: Uint8Array) => void,
): Uint8Array {
  const message = new Uint8Array(new ArrayBuffer(NONCE_BYTE_LENGTH + byteLength + TAG_BYTE_LENGTH));
  const nonce = randomFillSync(message.subarray(0, NONCE_BYTE_LENGTH));
  fill(nonce, message.subarray(NONCE_BYTE_LENGTH));
  return message;
}

/**
 * The way back, into a secret: what `encrypt` gave, or nonce, ciphertext and tag of another program in that order. Where the
 * backend cannot decrypt into a page (and for ChaCha20-Poly1305) the plaintext passes through ordinary memory, which is
 * wiped at once, and through `node:crypto` in pieces of 8 bytes, since it frees a copy of each: that takes 1 to 3 µs for
 * each piece, so a megabyte takes a few tenths of a second, during which nothing else runs.
 *
 * Rejects with `ERR_SECMEM_UNSEAL_FAILED` when a bit of message, key or associated data is not what it was (nothing is left
 * allocated then), with `ERR_SECMEM_INPUT_INVALID` for a message too short to hold a byte, and as `allocate` does while
 * it waits for a place. The message must not change meanwhile.
 */
export async function decrypt(
  algorithm: AeadAlgorithm,
  key: Secret,
  message: Uint8Array,
  options?: DecryptOptions,
): Promise<Secret> {
  checkAlgorithm(algorithm);
  requireSecret(key, 'key');
  const own = ownOptions(options, [...DERIVED_NAMES, 'associatedData'], 'options');
  const associatedData = checkAssociatedData(own);
  if (!isBytes(message)) throw notA('a Uint8Array', 'message', message);
  const byteLength = message.length - NONCE_BYTE_LENGTH - TAG_BYTE_LENGTH;
  if (byteLength < 1) throw inputInvalid('decrypt', 'the message is too short to be one', 'length');
  return derive(key, byteLength, own, (target) => {
    const nonce = message.subarray(0, NONCE_BYTE_LENGTH);
    const source = message.subarray(NONCE_BYTE_LENGTH);
    withBytes(key, 'read', (keyBytes) => {
      checkKey(keyBytes);
      if (algorithm === 'aes-256-gcm') {
        unsealPlace({ ...keyPlace(key), nonce, associatedData }, source, placeOf(target));
      } else {
        decryptByNode(algorithm, { key: keyBytes, nonce, associatedData }, source, target);
      }
    });
  });
}

/** Without a prototype, since Node reads further options through it. */
const TAGGED = ownProperties({ authTagLength: TAG_BYTE_LENGTH }, 'options');
const lengthOf = (plaintextLength: number) => ownProperties({ plaintextLength }, 'options');

interface Inputs {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

function encryptByNode(
  algorithm: AeadAlgorithm,
  { key, nonce, associatedData }: Inputs,
  plaintext: Uint8Array,
  target: Uint8Array,
): void {
  const cipher = createCipheriv(algorithm as 'chacha20-poly1305', key, nonce, TAGGED);
  cipher.setAAD(associatedData, lengthOf(plaintext.length));
  target.set(cipher.update(plaintext));
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

function decryptByNode(
  algorithm: 'chacha20-poly1305',
  { key, nonce, associatedData }: Inputs,
  source: Uint8Array,
  target: Secret,
): void {
  const tagOffset = source.length - TAG_BYTE_LENGTH;
  const decipher = createDecipheriv(algorithm, key, nonce, TAGGED);
  decipher.setAAD(associatedData, lengthOf(tagOffset));
  decipher.setAuthTag(source.subarray(tagOffset));
  const plaintext = plaintextOf(decipher, source.subarray(0, tagOffset), 'decrypt');
  try {
    withBytes(target, 'write', (bytes) => bytes.set(plaintext));
  } finally {
    wipe(plaintext);
  }
}

function keyPlace(key: Secret) {
  const { host, index } = placeOf(key);
  return { region: host.region, byteOffset: host.byteOffsetOf(index) };
}

function checkAlgorithm(algorithm: AeadAlgorithm): void {
  if (algorithm === undefined) throw new TypeError('algorithm must be given');
  oneOf('algorithm', algorithm, ['aes-256-gcm', 'chacha20-poly1305']);
}

/** An empty plaintext is refused, since no secret is empty: what it gave could not be decrypted. */
function checkPlaintext(plaintext: unknown): void {
  if (isSecret(plaintext)) return;
  if (!isBytes(plaintext)) throw notA('a Secret or a Uint8Array', 'plaintext', plaintext);
  integer('plaintext.length', plaintext.length, 1, REGION_BYTE_LENGTH_MAX);
}

function checkAssociatedData({ associatedData = NOTHING }: EncryptOptions): Uint8Array {
  if (isBytes(associatedData)) return associatedData;
  throw notA('a Uint8Array', 'associatedData', associatedData);
}

function checkKey(key: Uint8Array): void {
  if (key.length === KEY_BYTE_LENGTH) return;
  throw new RangeError(`the key must have ${KEY_BYTE_LENGTH} bytes`);
}
