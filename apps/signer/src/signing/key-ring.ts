import { randomFillSync } from 'node:crypto';
import { type Allocator, isSecureMemoryError, type Secret } from '@securemem/core';
import { addressOf } from './address.js';
import {
  decryptKey,
  ENVELOPE_BYTE_LENGTH,
  encryptKey,
  WRAPPED_KEY_BYTE_LENGTH,
} from './envelope.js';
import {
  KEY_BYTE_LENGTH,
  type Secp256k1,
  SIGNATURE_BYTE_LENGTH,
  type Signature,
} from './secp256k1.js';
import { VaultError, type WrappedKey } from './vault.js';

/** Ciphertext, wrapping key, plaintext key, signer scratch: bytes, in one admission. */
export const SIGN_BYTE_LENGTHS = [
  ENVELOPE_BYTE_LENGTH,
  KEY_BYTE_LENGTH,
  KEY_BYTE_LENGTH,
  SIGNATURE_BYTE_LENGTH,
] as const;

const CHECK_CONTEXT = context('check');

/**
 * The operations on keys under one master key. It runs wherever the master key is: in the service, or in a keeper.
 */
export class KeyRing {
  readonly #memory: Allocator;
  readonly #masterKey: Secret;
  readonly #secp256k1: Secp256k1;

  /** Takes the master key over: `dispose()` ends it. */
  constructor(memory: Allocator, masterKey: Secret, secp256k1: Secp256k1) {
    this.#memory = memory;
    this.#masterKey = masterKey;
    this.#secp256k1 = secp256k1;
  }

  /** Whether `check` was made under this master key. */
  proves(check: Uint8Array): boolean {
    const target = this.#memory.allocateSync(KEY_BYTE_LENGTH);
    try {
      decryptKey(this.#masterKey, check, CHECK_CONTEXT, target);
      return true;
    } catch (error) {
      if (isSecureMemoryError(error, 'ERR_SECMEM_UNSEAL_FAILED')) return false;
      throw error;
    } finally {
      target.dispose();
    }
  }

  /** An envelope of random bytes that opens under this master key only. */
  makeCheck(): Uint8Array {
    const random = this.#memory.randomSync(KEY_BYTE_LENGTH);
    try {
      return encryptKey(this.#masterKey, random, CHECK_CONTEXT, WRAPPED_KEY_BYTE_LENGTH);
    } finally {
      random.dispose();
    }
  }

  /** Makes and wraps a random private key. */
  create(signal?: AbortSignal): Promise<WrappedKey> {
    return this.wrap(async (key) => {
      key.write((bytes) => randomFillSync(bytes));
    }, signal);
  }

  /**
   * Wraps the private key that `fill` writes, with the places for it and for its data key taken in one admission.
   * `VAULT_BAD_KEY` when what was written is out of range.
   */
  async wrap(fill: (key: Secret) => Promise<void>, signal?: AbortSignal): Promise<WrappedKey> {
    const secrets = await this.#memory.allocateAll(
      [KEY_BYTE_LENGTH, KEY_BYTE_LENGTH],
      signal === undefined ? {} : { signal },
    );
    try {
      const [key, dataKey] = secrets as [Secret, Secret];
      await fill(key);
      if (!this.#secp256k1.isPrivateKey(key))
        throw new VaultError('VAULT_BAD_KEY', 'these bytes are no private key');
      this.#assertUnsealed();
      dataKey.write((bytes) => randomFillSync(bytes));
      const address = addressOf(key, this.#secp256k1);
      const bound = context('data-key', address);
      return {
        address,
        wrappedKey: encryptKey(this.#masterKey, dataKey, bound, WRAPPED_KEY_BYTE_LENGTH),
        envelope: encryptKey(dataKey, key, context('key', address)),
      };
    } finally {
      for (const secret of secrets) secret.dispose();
    }
  }

  /**
   * Takes four places in one admission, decrypts the data key and then the private key into two of them, waits for `hold`
   * with all four held, and signs. `ERR_SECMEM_UNSEAL_FAILED` when the row was damaged or moved.
   */
  async sign(
    key: WrappedKey,
    digest: Uint8Array,
    hold: () => Promise<void>,
    signal?: AbortSignal,
  ): Promise<Signature> {
    const secrets = await this.#memory.allocateAll(
      SIGN_BYTE_LENGTHS,
      signal === undefined ? {} : { signal },
    );
    try {
      const [envelope, dataKey, privateKey, scratch] = secrets as [Secret, Secret, Secret, Secret];
      this.#assertUnsealed();
      envelope.copyFrom(key.envelope);
      decryptKey(this.#masterKey, key.wrappedKey, context('data-key', key.address), dataKey);
      decryptKey(dataKey, envelope, context('key', key.address), privateKey);
      await hold();
      return this.#secp256k1.sign(privateKey, scratch, digest);
    } finally {
      for (const secret of secrets) secret.dispose();
    }
  }

  /**
   * The data key of `key` under the master key of `to`: what a row gets when the master key changes. The private key is not
   * decrypted. `ERR_SECMEM_UNSEAL_FAILED` when the row was damaged or moved, or is under another master key.
   */
  async rewrap(
    { address, wrappedKey }: Omit<WrappedKey, 'envelope'>,
    to: KeyRing,
  ): Promise<Uint8Array> {
    const dataKey = await this.#memory.allocate(KEY_BYTE_LENGTH);
    const bound = context('data-key', address);
    try {
      decryptKey(this.#masterKey, wrappedKey, bound, dataKey);
      return encryptKey(to.#masterKey, dataKey, bound, WRAPPED_KEY_BYTE_LENGTH);
    } finally {
      dataKey.dispose();
    }
  }

  dispose(): void {
    this.#masterKey.dispose();
  }

  /** Sealing does not wait for requests that have no key yet: they find out here. */
  #assertUnsealed(): void {
    if (this.#masterKey.disposed) throw new VaultError('VAULT_SEALED', 'the vault is sealed');
  }
}

/** Bound to every envelope, so that none opens in the place of another. */
function context(...parts: readonly string[]): Uint8Array {
  return new TextEncoder().encode(['securemem-signer/1', ...parts].join('/'));
}
