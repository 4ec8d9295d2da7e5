import { createHash, pbkdf2 as pbkdf2OfNode } from 'node:crypto';
import { ownOptions } from '../contract/own-properties.js';
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

/** What `pbkdf2()` takes. */
export interface Pbkdf2Options extends PasswordOptions {
  /** Rounds, 1 to 2^31 - 1; 600,000 with SHA-256 (OWASP). Without a default, since the right number is that of the stored data. */
  readonly iterations: number;
}

/**
 * Derives a secret from a password by PBKDF2 (RFC 8018, section 5.2) with HMAC of the hash `algorithm`, on a thread of the
 * pool. For what others prescribe; prefer `argon2` or `scrypt` for new data. `signal` as for `scrypt`.
 *
 * Rejects as `scrypt` does, and with what `node:crypto` throws for an unknown algorithm.
 */
export async function pbkdf2(
  algorithm: string,
  password: Password,
  options: Pbkdf2Options,
): Promise<Secret> {
  const digestByteLength = createHash(algorithm).digest().length;
  requirePassword(password);
  const own = ownOptions(options, [...PASSWORD_NAMES, 'iterations'], 'options');
  const salt = saltOf(own);
  const iterations = integer('iterations', own.iterations, 1, 2 ** 31 - 1);
  return fromPassword(password, own, (bytes, done) => {
    const { byteLength } = own as Pbkdf2Options;
    const derived = iterations === 1 ? withSpareBlock(byteLength, digestByteLength) : byteLength;
    pbkdf2OfNode(bytes, salt, iterations, derived, algorithm, done);
  });
}
