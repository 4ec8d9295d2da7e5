import {
  AGREEMENTS,
  type AgreementAlgorithm,
  KEY_ALGORITHMS,
  type KeyAlgorithm,
  type KeyType,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import type { BackendErrors } from './errors.js';
import type { Ffi } from './ffi.js';
import { answeredRight } from './known-keys.js';
import { OpensslEc } from './openssl-ec.js';
import { OpensslFailed } from './openssl-made.js';
import { OpensslOkp } from './openssl-okp.js';
import { OpensslRsa } from './openssl-rsa.js';
import type { KeyFamily, PrivateKeys, Refusal } from './private-keys.js';

/** Every kind of key that OpenSSL may have; each stands alone, so one that is missing leaves the others. */
const FAMILIES: readonly (new (ffi: Ffi) => KeyFamily)[] = [OpensslOkp, OpensslEc, OpensslRsa];

/** What the executable answered right, found out once: the known questions cost some milliseconds. */
let answered: readonly KeyAlgorithm[] | undefined;

const inOrder = (names: readonly KeyAlgorithm[]): readonly KeyAlgorithm[] =>
  Object.freeze(KEY_ALGORITHMS.filter((name) => names.includes(name)));

/** Private keys by the OpenSSL that is inside the runtime already, called on the pages themselves. */
class OpensslKeys implements PrivateKeys {
  readonly algorithms: readonly KeyAlgorithm[];
  readonly #families: ReadonlyMap<KeyType, KeyFamily>;
  readonly #clearErrors: () => void;
  readonly #errors: BackendErrors;

  constructor(families: readonly KeyFamily[], ffi: Ffi, errors: BackendErrors) {
    this.#clearErrors = ffi.library(null).func('ERR_clear_error', 'void', []);
    this.#errors = errors;
    this.#families = new Map(
      families.flatMap((family) => family.types.map((type) => [type, family] as const)),
    );
    answered ??= inOrder(families.flatMap((family) => answeredRight(family, ffi)));
    this.algorithms = answered;
    this.#clearErrors();
  }

  sign(
    algorithm: SignatureAlgorithm,
    key: Address,
    keyByteLength: number,
    message: Uint8Array,
    target: Uint8Array,
  ): number | Refusal {
    const family = this.#of(SIGNATURES[algorithm].type);
    return this.#done('sign', () => family.sign(algorithm, key, keyByteLength, message, target));
  }

  publicKey(
    type: KeyType,
    key: Address,
    keyByteLength: number,
    target: Uint8Array,
  ): number | Refusal {
    const family = this.#of(type);
    return this.#done('publicKey', () => family.publicKey(type, key, keyByteLength, target));
  }

  agree(
    algorithm: AgreementAlgorithm,
    key: Address,
    peer: Uint8Array,
    secret: Address,
    secretByteLength: number,
  ): number | Refusal {
    const family = this.#of(AGREEMENTS[algorithm].type);
    return this.#done('agree', () => family.agree(algorithm, key, peer, secret, secretByteLength));
  }

  #of(type: KeyType): KeyFamily {
    return this.#families.get(type) as KeyFamily;
  }

  /** Leaves no error behind: node:crypto would find ours in the queue of this thread. */
  #done(operation: string, work: () => number | Refusal): number | Refusal {
    let outcome: number | Refusal = 'key';
    try {
      outcome = work();
    } catch (error) {
      this.#clearErrors();
      if (!(error instanceof OpensslFailed)) throw error;
      const message = `OpenSSL refused to work: ${error.message}`;
      throw this.#errors.own('ERR_SECMEM_PLATFORM', operation, message);
    }
    if (typeof outcome !== 'number') this.#clearErrors();
    return outcome;
  }
}

/**
 * The private keys of this runtime, or undefined where its executable exports no OpenSSL (Bun and Deno do not) or gives a
 * wrong answer to every known question.
 */
export function opensslKeys(ffi: Ffi, errors: BackendErrors): PrivateKeys | undefined {
  const families = FAMILIES.flatMap((Family) => {
    try {
      return [new Family(ffi)];
    } catch {
      return [];
    }
  });
  try {
    const keys = new OpensslKeys(families, ffi, errors);
    return keys.algorithms.length === 0 ? undefined : keys;
  } catch {
    return undefined;
  }
}
