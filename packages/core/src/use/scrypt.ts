import { scrypt as scryptOfNode } from 'node:crypto';
import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { integer } from '../options.js';
import type { Secret } from '../secret/secret.js';
import {
  fromPassword,
  PASSWORD_NAMES,
  type Password,
  type PasswordOptions,
  requirePassword,
  saltOf,
  withSpareBlock,
} from './password.js';

/** What `scrypt()` takes. */
export interface ScryptOptions extends PasswordOptions {
  /** N of RFC 7914: memory and time, a power of two. Default: 131,072 (OWASP), which takes 128 MiB and some tenths of a second. */
  readonly cost?: number;
  /** r: memory grows with it. Default: 8. */
  readonly blockSize?: number;
  /** p: time grows with it. Default: 1. */
  readonly parallelization?: number;
}

/** Of the hash that scrypt is made of. */
const SHA256_BYTE_LENGTH = 32;
const UINT32_MAX = 2 ** 32 - 1;

/**
 * Derives a secret from a password by scrypt (RFC 7914), on a thread of the pool. The derivation cannot be stopped: when
 * `signal` aborts the call rejects at once, and the result is wiped when it comes. Its work area, 128 × cost × blockSize
 * bytes, is ordinary memory, which OpenSSL overwrites at the end.
 *
 * Rejects with `RangeError` or `TypeError` for parameters that scrypt does not take, with `ERR_SECMEM_DISPOSED`,
 * and as `allocate` does while it waits for a place. Bytes must not change until then.
 */
export async function scrypt(password: Password, options: ScryptOptions): Promise<Secret> {
  requirePassword(password);
  const names = [...PASSWORD_NAMES, 'cost', 'blockSize', 'parallelization'] as const;
  const own = ownOptions(options, names, 'options');
  const salt = saltOf(own);
  const cost = integer('cost', own.cost ?? 2 ** 17, 2, UINT32_MAX);
  const blockSize = integer('blockSize', own.blockSize ?? 8, 1, UINT32_MAX);
  const parallelization = integer('parallelization', own.parallelization ?? 1, 1, UINT32_MAX);
  if (!Number.isInteger(Math.log2(cost))) throw new RangeError('cost must be a power of two');
  // Node refuses what its own limit of 32 MiB does not hold; the parameters say how much it is.
  const maxmem = 128 * blockSize * (cost + parallelization + 2) + 4096;
  return fromPassword(password, own, (bytes, done) => {
    const byteLength = withSpareBlock((own as ScryptOptions).byteLength, SHA256_BYTE_LENGTH);
    const parameters = ownProperties({ cost, blockSize, parallelization, maxmem }, 'options');
    scryptOfNode(bytes, salt, byteLength, parameters, done);
  });
}
