import { ownershipOf, requireAllocations } from '../allocations.js';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { within } from '../common/within.js';
import { checkByteLength, requestOf } from '../lifetime/request.js';
import { isSecret, ownerOf, placeOf, type Secret, withBytes } from '../secret/secret.js';
import { DERIVED_NAMES, type DerivedOptions, wipe } from './derived.js';

/** A password: a secret, or bytes that the caller wipes. Never a string, which nobody can wipe. */
export type Password = Secret | Uint8Array;

/** What every derivation from a password takes. */
export interface PasswordOptions extends DerivedOptions {
  /** Of the derived secret, in bytes. */
  readonly byteLength: number;
  /** At least 16 random bytes, another for each password; not secret. */
  readonly salt: Uint8Array;
}

/** The names in `PasswordOptions`. */
export const PASSWORD_NAMES = [...DERIVED_NAMES, 'byteLength', 'salt'] as const;

/**
 * How many bytes are derived for a result of `byteLength`. OpenSSL leaves the last block of PBKDF2 on the stack of its thread,
 * as it came out of the hash. After one round, as in scrypt, that is the end of the result: so one more block is derived, which
 * nobody uses. The blocks before are what they are without it.
 */
export const withSpareBlock = (byteLength: number, digestByteLength: number): number =>
  byteLength + digestByteLength;

/** How `node:crypto` hands over what it derived on a thread of its pool. */
export type Done = (error: Error | null, derived: Uint8Array) => void;

/** The salt as it was when the call was made. */
export function saltOf({ salt }: Partial<PasswordOptions>): Uint8Array {
  if (!isBytes(salt)) throw notA('a Uint8Array', 'salt', salt);
  return new Uint8Array(salt);
}

/**
 * Waits for a place, then has `begin` start the derivation with the password where it lies. `node:crypto` copies it before
 * that returns and works on the copy, which it overwrites: whatever becomes of the secret meanwhile, its place is not
 * touched any more. The result comes in memory of its own, which is wiped, also when it comes too late for the signal. It may
 * be longer than what was asked for: see `withSpareBlock`.
 */
export async function fromPassword(
  password: Password,
  own: Partial<PasswordOptions>,
  begin: (bytes: Uint8Array, done: Done) => void,
): Promise<Secret> {
  const byteLength = checkByteLength(own.byteLength as number);
  const request = requestOf(own);
  const target = await ownerFor(password, own).allocate(byteLength, request);
  try {
    const work = () => withPassword(password, begin);
    const derived = await within(work, { signal: own.signal }, wipe);
    try {
      withBytes(target, 'write', (bytes) => bytes.set(derived.subarray(0, byteLength)));
    } finally {
      wipe(derived);
    }
    return target;
  } catch (error) {
    target.dispose();
    throw error;
  }
}

/** Throws `TypeError` for what is no password. */
export function requirePassword(password: unknown): void {
  if (!isSecret(password) && !isBytes(password)) {
    throw notA('a Secret or a Uint8Array', 'password', password);
  }
}

function ownerFor(password: Password, { into }: DerivedOptions) {
  if (into !== undefined) {
    requireAllocations(into, 'into');
    return ownershipOf(into);
  }
  if (!isSecret(password)) throw new TypeError('into must be given for a password of bytes');
  placeOf(password);
  return ownerOf(password);
}

function withPassword(
  password: Password,
  begin: (bytes: Uint8Array, done: Done) => void,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // node:crypto overwrites its copy of the password once this has returned: whoever waits finds none any more.
    const done: Done = (error, derived) => {
      setImmediate(() => {
        if (error === null || error === undefined) resolve(derived);
        else reject(error);
      });
    };
    if (isSecret(password)) withBytes(password, 'read', (bytes) => begin(bytes, done));
    else begin(password, done);
  });
}
