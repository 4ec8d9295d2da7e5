import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import { type CrashPolicy, isSecureMemoryError } from '@securemem/core';
import { zero } from '@securemem/core/contract';
import { type CrashReport, type Keeper, type KeeperStats, openKeeper } from '@securemem/keeper';
import { environmentOf, type KeeperSettings } from './keeper-settings.js';
import { chunksOf } from './key-body.js';
import { decodeSignature, decodeWrappedKey, encodeSignRequest } from './key-wire.js';
import { KEY_BYTE_LENGTH, type Signature } from './secp256k1.js';
import {
  type MasterKeySource,
  type Vault,
  type VaultCallOptions,
  VaultError,
  type VaultHealth,
  type VaultState,
  vaultErrorCode,
  type WrappedKey,
} from './vault.js';
import type { VaultFigures } from './vault-figures.js';

/** Always the built file, also where this module runs from its source. */
const MODULE = createRequire(import.meta.url).resolve('@securemem/signer/keeper-module');

/** Where the keeper has the first descriptor that it is given. */
const FIRST_DESCRIPTOR = 5;

export interface KeeperVaultOptions {
  readonly settings: Omit<KeeperSettings, 'masterKeySource' | 'checks'>;
  /** Most bytes that the keeper may lock; `undefined` leaves it the limit of this process. */
  readonly lockedByteLengthMax?: number;
  readonly crashPolicy: () => CrashPolicy;
  readonly callMsMax: number;
  readonly onCrash?: (report: CrashReport) => void;
  readonly onRestart?: (pid: number) => void;
}

/**
 * A vault in a process of its own. Sealed means that there is no such process: what it knew is gone with its pages. Every
 * unsealing starts one with a fresh crash policy; after a restart it reads the master key again, which takes a file, and
 * proves it again.
 */
export class KeeperVault implements Vault {
  readonly kind = 'keeper';
  readonly #options: KeeperVaultOptions;
  #keeper: Keeper | undefined;

  constructor(options: KeeperVaultOptions) {
    this.#options = options;
  }

  get state(): VaultState {
    return this.#keeper === undefined ? 'sealed' : 'unsealed';
  }

  get health(): VaultHealth {
    const stats = this.#keeper?.stats();
    if (stats === undefined) return { condition: 'sealed', pid: 0, crashes: 0, restarts: 0 };
    const { state, pid, crashes, restarts } = stats;
    return { condition: state, pid, crashes, restarts };
  }

  /** The keeper's own numbers; `undefined` while there is none. */
  get stats(): KeeperStats | undefined {
    return this.#keeper?.stats();
  }

  async unseal(source: MasterKeySource, checks: readonly Uint8Array[]): Promise<Uint8Array> {
    const keeper = await this.#open(source, checks);
    const check = await checkOf(keeper);
    if (checks.length === 0 && source.kind === 'file') {
      // The first master key ever: a restart must not take another one that is in the file by then.
      await keeper.close();
      return this.unseal(source, [check]);
    }
    const before = this.#keeper;
    this.#keeper = keeper;
    await before?.close();
    return check;
  }

  async seal(): Promise<void> {
    const keeper = this.#keeper;
    this.#keeper = undefined;
    await keeper?.close();
  }

  async create(options: VaultCallOptions = {}): Promise<WrappedKey> {
    return decodeWrappedKey(await this.#unsealed().call('create', undefined, callOptions(options)));
  }

  /** The key passes through 32 bytes of this process, off V8's moving heap, which the channel zeroes once they are sent. */
  async import(body: Readable, options: VaultCallOptions = {}): Promise<WrappedKey> {
    const keeper = this.#unsealed();
    const key = await readKey(body);
    try {
      return decodeWrappedKey(
        await keeper.call('import', key, { ...callOptions(options), secret: true }),
      );
    } finally {
      zero(key);
    }
  }

  async sign(
    key: WrappedKey,
    digest: Uint8Array,
    options: VaultCallOptions = {},
  ): Promise<Signature> {
    const payload = encodeSignRequest(key, digest);
    // A signature is deterministic (RFC 6979): made a second time by the next life of the keeper, it is the same one.
    const again = { ...callOptions(options), idempotent: true };
    return decodeSignature(await this.#unsealed().call('sign', payload, again));
  }

  /** Rejects while there is no keeper: what is not there has no figures. */
  async figures(): Promise<VaultFigures & { readonly peakLockedByteLength: number }> {
    const bytes = await this.#unsealed().call('figures', undefined, { idempotent: true });
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  close(): Promise<void> {
    return this.seal();
  }

  async #open(source: MasterKeySource, checks: readonly Uint8Array[]): Promise<Keeper> {
    const { crashPolicy, callMsMax, lockedByteLengthMax } = this.#options;
    const text = checks.map((check) => Buffer.from(check).toString('base64'));
    const settings = { ...this.#options.settings, checks: text };
    const descriptor = source.kind === 'descriptor';
    const masterKeySource = descriptor ? { ...source, fd: FIRST_DESCRIPTOR } : source;
    try {
      const keeper = await openKeeper({
        module: MODULE,
        crashPolicy: crashPolicy(),
        callMsMax,
        callsMax: 100_000,
        env: environmentOf({ ...settings, masterKeySource }),
        ...(descriptor ? { descriptors: [source.fd] } : {}),
        ...(lockedByteLengthMax === undefined ? {} : { limits: { lockedByteLengthMax } }),
      });
      keeper.on('crash', (report) => this.#options.onCrash?.(report));
      keeper.on('restart', ({ pid }) => this.#options.onRestart?.(pid));
      return keeper;
    } catch (error) {
      throw refusedMasterKey(error) ?? error;
    }
  }

  #unsealed(): Keeper {
    if (this.#keeper === undefined) throw new VaultError('VAULT_SEALED', 'the vault is sealed');
    return this.#keeper;
  }
}

function callOptions({ signal }: VaultCallOptions) {
  return signal === undefined ? {} : { signal };
}

async function readKey(body: Readable): Promise<Uint8Array> {
  const key = new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH));
  let filled = 0;
  for await (const chunk of chunksOf(body)) {
    if (filled + chunk.length <= key.length) key.set(chunk, filled);
    filled += chunk.length;
    zero(chunk);
    if (filled > key.length) break;
  }
  if (filled === key.length) return key;
  zero(key);
  throw new VaultError('VAULT_BAD_KEY', `a key is ${KEY_BYTE_LENGTH} bytes, no more and no fewer`);
}

/** Closes the keeper when it does not answer: nobody else has it yet. */
async function checkOf(keeper: Keeper): Promise<Uint8Array> {
  try {
    return await keeper.call('check', undefined, { idempotent: true });
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** A start that failed on the master key is the fault of its file, not of the keeper. */
function refusedMasterKey(error: unknown): VaultError | undefined {
  const cause = isSecureMemoryError(error) ? error.cause : undefined;
  const code = vaultErrorCode(cause);
  return code === undefined ? undefined : new VaultError(code, (cause as Error).message);
}
