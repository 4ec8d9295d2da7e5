import * as crypto from 'node:crypto';
import { SecureMemoryError } from '../contract/errors.js';
import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { integer, oneOf } from '../options.js';
import type { Secret } from '../secret/secret.js';
import {
  type Done,
  fromPassword,
  PASSWORD_NAMES,
  type Password,
  type PasswordOptions,
  requirePassword,
  saltOf,
} from './password.js';

/** The variants of RFC 9106. `argon2id` is the one to take. */
export type Argon2Algorithm = 'argon2id' | 'argon2i' | 'argon2d';

/** What `argon2()` takes. */
export interface Argon2Options extends PasswordOptions {
  /** Work area in KiB, at least 8 × parallelism. Default: 65,536 (RFC 9106, the second recommended choice). */
  readonly memory?: number;
  /** Passes over it. Default: 3. */
  readonly passes?: number;
  /** Lanes. Default: 4. */
  readonly parallelism?: number;
}

type Argon2OfNode = (
  algorithm: Argon2Algorithm,
  parameters: {
    readonly message: Uint8Array;
    readonly nonce: Uint8Array;
    readonly parallelism: number;
    readonly tagLength: number;
    readonly memory: number;
    readonly passes: number;
  },
  done: Done,
) => void;

/** Newer than the oldest Node that this runs on. */
const argon2OfNode = (crypto as { argon2?: Argon2OfNode }).argon2;

const UINT32_MAX = 2 ** 32 - 1;

/**
 * Derives a secret from a password by Argon2 (RFC 9106), on a thread of the pool. `signal` as for `scrypt`. Its work area is
 * ordinary memory.
 *
 * Rejects with `ERR_SECMEM_NOT_SUPPORTED` where `node:crypto` has no Argon2 (before Node 24.7), otherwise as `scrypt` does.
 */
export async function argon2(
  algorithm: Argon2Algorithm,
  password: Password,
  options: Argon2Options,
): Promise<Secret> {
  if (algorithm === undefined) throw new TypeError('algorithm must be given');
  oneOf('algorithm', algorithm, ['argon2id', 'argon2i', 'argon2d']);
  requirePassword(password);
  const names = [...PASSWORD_NAMES, 'memory', 'passes', 'parallelism'] as const;
  const own = ownOptions(options, names, 'options');
  const nonce = saltOf(own);
  if (nonce.length < 8) throw new RangeError('salt must have at least 8 bytes');
  const parallelism = integer('parallelism', own.parallelism ?? 4, 1, 2 ** 24 - 1);
  const memory = integer('memory', own.memory ?? 65_536, 8 * parallelism, UINT32_MAX);
  const passes = integer('passes', own.passes ?? 3, 1, UINT32_MAX);
  const tagLength = integer('byteLength', own.byteLength, 4, UINT32_MAX);
  if (argon2OfNode === undefined) {
    throw new SecureMemoryError(
      'ERR_SECMEM_NOT_SUPPORTED',
      'this runtime has no Argon2: Node has it from 24.7 on; scrypt() is everywhere',
      { operation: 'argon2' },
    );
  }
  return fromPassword(password, own, (message, done) =>
    argon2OfNode(
      algorithm,
      ownProperties({ message, nonce, parallelism, tagLength, memory, passes }, 'options'),
      done,
    ),
  );
}
