import { DerReader, TAG } from './der.js';
import { lengthOf, type Span } from './found-key.js';
import { keyRefused } from './key-refused.js';
import { objectName } from './object-ids.js';

/** How the key of the cipher is made of the passphrase. None of it is secret. */
export type Derivation =
  | {
      readonly name: 'pbkdf2';
      readonly digest: 'sha224' | 'sha256' | 'sha384' | 'sha512';
      readonly iterations: number;
      readonly salt: Span;
    }
  | {
      readonly name: 'scrypt';
      readonly cost: number;
      readonly blockSize: number;
      readonly parallelization: number;
      readonly salt: Span;
    };

/** EncryptedPrivateKeyInfo of PKCS#8 under PBES2 (RFC 5958, section 3; RFC 8018, section 6.2). */
export interface EncryptedKey {
  readonly type: 'encrypted';
  readonly derivation: Derivation;
  readonly cipher: 'aes-128-cbc' | 'aes-256-cbc';
  readonly keyByteLength: 16 | 32;
  readonly iv: Span;
  readonly ciphertext: Span;
}

/** Bounds on what a stranger's file makes us do. OpenSSL takes no file of scrypt that needs more memory. */
export const ITERATIONS_MAX = 10_000_000;
export const SCRYPT_BYTE_LENGTH_MAX = 33_554_432;
export const SCRYPT_PARALLELIZATION_MAX = 64;
const SALT_BYTE_LENGTH_MAX = 1024;
export const BLOCK_BYTE_LENGTH = 16;

const DIGESTS = {
  'hmac-sha224': 'sha224',
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
} as const;
const MODERN = 'write it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256';

/** Reads all of `der`. */
export function readEncrypted(bytes: Uint8Array, der: Span): EncryptedKey {
  const info = DerReader.only(bytes, der, TAG.sequence, 'the encrypted key');
  const scheme = info.enter(TAG.sequence, 'the encryption');
  const id = scheme.take(TAG.oid, 'the encryption');
  if (objectName(bytes, id) !== 'pbes2') {
    throw unsupported('the encryption is not PBES2', id);
  }
  const parameters = scheme.enter(TAG.sequence, 'the parameters of PBES2');
  scheme.end('the encryption');
  const function_ = parameters.enter(TAG.sequence, 'the key derivation');
  const { cipher, iv } = readCipher(bytes, parameters.enter(TAG.sequence, 'the cipher'));
  parameters.end('the parameters of PBES2');
  const keyByteLength = cipher === 'aes-128-cbc' ? 16 : 32;
  const derivation = readDerivation(bytes, function_, keyByteLength);
  const ciphertext = info.take(TAG.octetString, 'the ciphertext');
  info.end('the encrypted key');
  if (lengthOf(ciphertext) === 0 || lengthOf(ciphertext) % BLOCK_BYTE_LENGTH !== 0) {
    throw keyRefused('syntax', 'the ciphertext is no whole number of blocks', {
      byteOffset: ciphertext.start,
    });
  }
  return { type: 'encrypted', derivation, cipher, keyByteLength, iv, ciphertext };
}

function readCipher(bytes: Uint8Array, scheme: DerReader) {
  const id = scheme.take(TAG.oid, 'the cipher');
  const cipher = objectName(bytes, id);
  if (cipher !== 'aes-128-cbc' && cipher !== 'aes-256-cbc') {
    throw unsupported('the cipher is neither AES-128-CBC nor AES-256-CBC', id);
  }
  const iv = scheme.take(TAG.octetString, 'the initial vector');
  scheme.end('the cipher');
  if (lengthOf(iv) === BLOCK_BYTE_LENGTH) return { cipher, iv } as const;
  throw keyRefused('syntax', 'the initial vector is no block', { byteOffset: iv.start });
}

function readDerivation(bytes: Uint8Array, scheme: DerReader, keyByteLength: number): Derivation {
  const id = scheme.take(TAG.oid, 'the key derivation');
  const name = objectName(bytes, id);
  if (name !== 'pbkdf2' && name !== 'scrypt') {
    throw unsupported('the key derivation is neither PBKDF2 nor scrypt', id);
  }
  const parameters = scheme.enter(TAG.sequence, 'the parameters of the key derivation');
  scheme.end('the key derivation');
  const salt = parameters.take(TAG.octetString, 'the salt');
  if (lengthOf(salt) === 0 || lengthOf(salt) > SALT_BYTE_LENGTH_MAX) {
    throw keyRefused('cost', `the salt has not 1 to ${SALT_BYTE_LENGTH_MAX} bytes`, {
      byteOffset: salt.start,
    });
  }
  const read = name === 'pbkdf2' ? readPbkdf2 : readScrypt;
  return read(bytes, parameters, salt, keyByteLength);
}

/** PBKDF2-params of RFC 8018, appendix A.2. Without a function it would be HMAC with SHA-1. */
function readPbkdf2(
  bytes: Uint8Array,
  parameters: DerReader,
  salt: Span,
  keyByteLength: number,
): Derivation {
  const iterations = parameters.small('the number of iterations');
  checkKeyLength(parameters, keyByteLength);
  if (parameters.next !== TAG.sequence) throw unsupported('PBKDF2 is with SHA-1', salt);
  const function_ = parameters.enter(TAG.sequence, 'the function of PBKDF2');
  parameters.end('the parameters of PBKDF2');
  const id = function_.take(TAG.oid, 'the function of PBKDF2');
  const name = objectName(bytes, id);
  if (name === undefined || !Object.hasOwn(DIGESTS, name)) {
    throw unsupported('the function of PBKDF2 is no HMAC with SHA-2', id);
  }
  function_.nothing('the parameter of the function of PBKDF2');
  function_.end('the function of PBKDF2');
  if (iterations < 1 || iterations > ITERATIONS_MAX) {
    throw keyRefused('cost', `PBKDF2 is to run not 1 to ${ITERATIONS_MAX} times`);
  }
  const digest = DIGESTS[name as keyof typeof DIGESTS];
  return { name: 'pbkdf2', digest, iterations, salt };
}

/** scrypt-params of RFC 7914, section 7. */
function readScrypt(
  _bytes: Uint8Array,
  parameters: DerReader,
  salt: Span,
  keyByteLength: number,
): Derivation {
  const cost = parameters.small('the cost of scrypt');
  const blockSize = parameters.small('the block size of scrypt');
  const parallelization = parameters.small('the parallelization of scrypt');
  checkKeyLength(parameters, keyByteLength);
  parameters.end('the parameters of scrypt');
  const isPower = cost > 1 && (cost & (cost - 1)) === 0;
  // RFC 7914, section 2: the cost is below 2^(16 r).
  if (!isPower || blockSize < 1 || parallelization < 1 || cost >= 2 ** (16 * blockSize)) {
    throw keyRefused('value', 'these are no parameters of scrypt');
  }
  const byteLength = scryptByteLength({ cost, blockSize, parallelization });
  if (byteLength > SCRYPT_BYTE_LENGTH_MAX || parallelization > SCRYPT_PARALLELIZATION_MAX) {
    const most = `${SCRYPT_BYTE_LENGTH_MAX} bytes or ${SCRYPT_PARALLELIZATION_MAX} rounds`;
    throw keyRefused('cost', `scrypt is to take more than ${most}`);
  }
  return { name: 'scrypt', cost, blockSize, parallelization, salt };
}

/** What scrypt works in: a vector of `cost` blocks, two more, and one for each round. */
export function scryptByteLength(parameters: {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}): number {
  const { cost, blockSize, parallelization } = parameters;
  return 128 * blockSize * (cost + 3 + parallelization);
}

/** Of the key that is derived. It may be there, and says what the cipher has said. */
function checkKeyLength(parameters: DerReader, keyByteLength: number): void {
  if (parameters.next !== TAG.integer) return;
  if (parameters.small('the length of the derived key') === keyByteLength) return;
  throw keyRefused('value', 'the derived key is not as long as the cipher needs it');
}

function unsupported(problem: string, { start }: Span): Error {
  return keyRefused('unsupported', problem, { byteOffset: start, remedy: MODERN });
}
