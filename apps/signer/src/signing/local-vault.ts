import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Allocator, MemoryBackend } from '@securemem/core';
import { readKeyBody } from './key-body.js';
import type { KeyRing } from './key-ring.js';
import type { Signature } from './secp256k1.js';
import { unsealKeyRing } from './unsealing.js';
import {
  type MasterKeySource,
  type Vault,
  type VaultCallOptions,
  VaultError,
  type VaultHealth,
  type VaultState,
  type WrappedKey,
} from './vault.js';
import { figuresOf, type VaultFigures } from './vault-figures.js';

/** A vault whose keys are in this process. Allocator and backend are its own: `close()` ends both. */
export class LocalVault implements Vault {
  readonly kind = 'in-process';
  readonly #memory: Allocator;
  readonly #backend: MemoryBackend;
  readonly #approvalMs: number;
  readonly #underWay = new Set<Promise<unknown>>();
  #keys: KeyRing | undefined;

  /** `approvalMs`: how long a request holds its keys while it waits for its approval, in milliseconds. */
  constructor(memory: Allocator, backend: MemoryBackend, approvalMs = 0) {
    this.#memory = memory;
    this.#backend = backend;
    this.#approvalMs = approvalMs;
  }

  get state(): VaultState {
    return this.#keys === undefined ? 'sealed' : 'unsealed';
  }

  get health(): VaultHealth {
    const condition = this.state === 'sealed' ? 'sealed' : 'ready';
    return { condition, pid: process.pid, crashes: 0, restarts: 0 };
  }

  async unseal(source: MasterKeySource, checks: readonly Uint8Array[]): Promise<Uint8Array> {
    const { keys, check } = await unsealKeyRing(this.#memory, this.#backend, source, checks);
    const before = this.#keys;
    this.#keys = keys;
    before?.dispose();
    return check;
  }

  async seal(): Promise<void> {
    this.#keys?.dispose();
    this.#keys = undefined;
    await Promise.allSettled([...this.#underWay]);
  }

  create({ signal }: VaultCallOptions = {}): Promise<WrappedKey> {
    return this.#run((keys) => keys.create(signal));
  }

  import(body: Readable, { signal }: VaultCallOptions = {}): Promise<WrappedKey> {
    return this.#run((keys) => keys.wrap((key) => readKeyBody(body, key), signal));
  }

  sign(key: WrappedKey, digest: Uint8Array, { signal }: VaultCallOptions = {}): Promise<Signature> {
    return this.#run((keys) => keys.sign(key, digest, () => this.#approval(), signal));
  }

  async figures(): Promise<VaultFigures> {
    return figuresOf(this.#memory, this.#backend);
  }

  async close(): Promise<void> {
    await this.seal();
    await this.#memory.close();
    this.#backend[Symbol.dispose]();
  }

  /** Remembers the call until it has let go of its keys, so that sealing can wait for it. */
  async #run<T>(work: (keys: KeyRing) => Promise<T>): Promise<T> {
    if (this.#keys === undefined) throw new VaultError('VAULT_SEALED', 'the vault is sealed');
    const running = work(this.#keys);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  async #approval(): Promise<void> {
    if (this.#approvalMs > 0) await delay(this.#approvalMs);
  }
}
