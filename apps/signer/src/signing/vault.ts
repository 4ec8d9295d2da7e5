import type { Readable } from 'node:stream';
import type { Signature } from './secp256k1.js';
import type { VaultFigures } from './vault-figures.js';

/** Where a master key of 32 bytes comes from. Never a string. */
export type MasterKeySource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'descriptor'; readonly fd: number }
  | { readonly kind: 'terminal' };

/** A private key as it may be stored: under a key of its own, and that one under the master key. */
export interface WrappedKey {
  readonly address: string;
  readonly wrappedKey: Uint8Array;
  readonly envelope: Uint8Array;
}

export interface VaultCallOptions {
  /** Ends the wait for memory: the call rejects with its reason and nothing has happened. */
  readonly signal?: AbortSignal;
}

export type VaultState = 'sealed' | 'unsealed';

/** How the process with the keys is. `halted` and `lost` stay so until the next unsealing. */
export interface VaultHealth {
  readonly condition: 'sealed' | 'ready' | 'starting' | 'restarting' | 'halted' | 'lost' | 'closed';
  /** The process with the keys; 0 while there is none. */
  readonly pid: number;
  readonly crashes: number;
  readonly restarts: number;
}

/**
 * Everything that touches a private key, in this process or in another one. All rejections are SecureMemoryError or
 * VaultError; private keys exist in protected memory only, for the length of a call.
 */
export interface Vault {
  readonly kind: 'in-process' | 'keeper';
  readonly state: VaultState;
  readonly health: VaultHealth;

  /**
   * Takes the master key and proves it: resolves with the one of `checks` that opens under it. With no check yet it makes
   * one, which the caller stores. `VAULT_WRONG_MASTER_KEY` when none opens, and the vault is as it was then.
   *
   * One call at a time, and none beside `seal()`: whoever owns the vault sees to that.
   */
  unseal(source: MasterKeySource, checks: readonly Uint8Array[]): Promise<Uint8Array>;

  /** Ends the master key at once, and resolves when the calls that were under way have let go of their keys too. */
  seal(): Promise<void>;

  /** A fresh random key. */
  create(options?: VaultCallOptions): Promise<WrappedKey>;

  /** A key from a stream of 32 bytes, whose chunks are zeroed as they are read. `VAULT_BAD_KEY` for anything else. */
  import(body: Readable, options?: VaultCallOptions): Promise<WrappedKey>;

  /** Signs a digest of 32 bytes. */
  sign(key: WrappedKey, digest: Uint8Array, options?: VaultCallOptions): Promise<Signature>;

  /** What its memory looks like now. Rejects unless its condition is `ready`, or it is in this process. */
  figures(): Promise<VaultFigures>;

  /** Wipes everything; every later call is refused. */
  close(): Promise<void>;
}

export type VaultErrorCode =
  | 'VAULT_SEALED'
  | 'VAULT_WRONG_MASTER_KEY'
  | 'VAULT_BAD_KEY'
  | 'VAULT_UNSAFE_FILE';

export class VaultError extends Error {
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode, message: string) {
    super(message);
    this.name = 'VaultError';
    this.code = code;
  }
}

/** The code of a VaultError, also of one that crossed from another process and lost its class on the way. */
export function vaultErrorCode(error: unknown): VaultErrorCode | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('VAULT_')
    ? (code as VaultErrorCode)
    : undefined;
}
