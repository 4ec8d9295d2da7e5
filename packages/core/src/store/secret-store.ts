import { throwIfAborted } from '../common/abort-signal.js';
import { makeHandles } from '../common/redaction.js';
import { SecureMemoryError } from '../contract/errors.js';
import { ownOptions } from '../contract/own-properties.js';
import { checkLimits, INGEST_NAMES, type IngestOptions, placeOfFile } from '../ingest/from-file.js';
import type { Ownership } from '../lifetime/ownership.js';
import {
  type AllocateOptions,
  checkOnCapacity,
  checkRequest,
  onCapacityOf,
  requestOf,
} from '../lifetime/request.js';
import type { Secret } from '../secret/secret.js';
import { loadInto } from './bulk-load.js';
import { checkName, checkNames } from './entry-names.js';
import type { FollowedFile, Following } from './follower.js';
import { Followers } from './followers.js';
import { HotSlots } from './hot-slots.js';
import { Intake } from './intake.js';
import { Openings } from './openings.js';
import { SealedEntries } from './sealed-entries.js';
import { StoreIndex } from './store-index.js';
import {
  type LoadOptions,
  type LoadSource,
  resolveStoreOptions,
  type SetOptions,
  type SetSyncOptions,
  type StoreOptions,
  type StoreStats,
  takeLoadOptions,
  takeSetOptions,
  takeSetSyncOptions,
  ttlOf,
} from './store-options.js';
import { type SecretsOf, Uses } from './uses.js';

/** The friend that makes one; see `Allocator.store`. */
export let createStore: (owner: Ownership, options: StoreOptions | undefined) => SecretStore;

/**
 * Secrets by name, sealed in ordinary memory, and opened into a few slots of locked memory while somebody uses them: any
 * number of secrets in as little locked memory as there is. Made by `memory.store()`; it ends with its allocator.
 *
 * Names are strings, are not secret, and are kept as they are. Of a million secrets of 64 bytes the store itself takes
 * about 130 bytes of ordinary memory each, beyond the names.
 *
 * One name, several callers: those who use a secret at the same time share one slot. `set` and `delete` never wait for
 * them: whoever began before goes on with the bytes it began with, whoever begins after sees the change. A `use` sees one
 * value from beginning to end.
 *
 * After a purge of the allocator the entries are still listed but do not open (`ERR_SECMEM_UNSEAL_FAILED`), until they
 * are set again.
 */
export class SecretStore implements Disposable {
  /** Its name, so that nothing of it is logged by mistake. */
  readonly toJSON = (): string => '[SecretStore]';
  readonly #owner: Ownership;
  readonly #entries: SealedEntries;
  readonly #hot: HotSlots;
  readonly #uses: Uses;
  readonly #index: StoreIndex;
  readonly #intake: Intake;
  readonly #followers: Followers;
  #disposed = false;

  private constructor(owner: Ownership, options: StoreOptions | undefined) {
    const { hotMax, hotMs, entriesMax } = resolveStoreOptions(options);
    const { places, sealingKey } = owner;
    places.assertOpen('store');
    this.#owner = owner;
    this.#entries = new SealedEntries(sealingKey, entriesMax);
    this.#hot = new HotSlots(places, hotMax, hotMs);
    this.#index = new StoreIndex(places.telemetry.outbox, (id) => {
      this.#entries.remove(id);
      this.#hot.detach(id);
    });
    this.#intake = new Intake(owner, this.#index, this.#entries, (operation) =>
      this.#assertOpen(operation),
    );
    this.#followers = new Followers(owner, this.#intake, this.#index);
    const openings = new Openings(owner, this.#hot, this.#entries, this.#index);
    this.#uses = new Uses(owner, this.#hot, this.#index, openings);
    sealingKey.hold('store');
    places.standbys.add(this.#hot);
  }

  static {
    makeHandles(SecretStore.prototype, 'a store', 'SecretStore');
    createStore = (owner, options) => new SecretStore(owner, options);
  }

  /** Entries, including those that have expired and are not swept yet. */
  get size(): number {
    return this.#index.size;
  }

  /** Whether there is an entry of this name, which has not come to its end. */
  has(name: string): boolean {
    return this.#index.idOf(checkName(name)) !== undefined;
  }

  /** The names, in the order in which they were set first. */
  keys(): Generator<string> {
    return this.#index.names();
  }

  [Symbol.iterator](): Generator<string> {
    return this.keys();
  }

  /**
   * Puts a secret under a name, in place of the one that is there. A `Uint8Array` is sealed and wiped, a `Secret` sealed and
   * disposed. Waits for a slot in which to seal bytes; the options and errors of waiting are those of `allocate`.
   *
   * After a throw or rejection the store and the source are as they were; but a `Secret` whose surroundings were
   * damaged (`ERR_SECMEM_CANARY_MISMATCH`) is gone.
   */
  async set(name: string, source: Uint8Array | Secret, options?: SetOptions): Promise<void> {
    checkName(name);
    const own = takeSetOptions(options);
    const ttlMs = ttlOf(own);
    const request = requestOf(own);
    throwIfAborted(request.signal);
    this.#assertOpen('set');
    const scratch = await this.#intake.scratchFor(source, request);
    this.#index.set(name, this.#intake.take(name, source, scratch), ttlMs);
  }

  /** The same at once, or a capacity error. */
  setSync(name: string, source: Uint8Array | Secret, options?: SetSyncOptions): void {
    checkName(name);
    const own = takeSetSyncOptions(options);
    const ttlMs = ttlOf(own);
    this.#assertOpen('setSync');
    const scratch = this.#intake.scratchForSync(source, onCapacityOf(own));
    this.#index.set(name, this.#intake.take(name, source, scratch), ttlMs);
  }

  /**
   * Calls `fn` with the secret and resolves to what it gives. The secret is opened if it is not open, when there is a place
   * for it, and stays open until `fn` has returned or the promise that it returned has settled. It belongs to the store: it
   * can be read, lent for reading and handed to `hmac` and its kin, but not written, resized, sealed or disposed
   * (`ERR_SECMEM_IN_USE`), and must not be used later.
   *
   * Rejects with `ERR_SECMEM_DISPOSED` when there is no such name, with `ERR_SECMEM_UNSEAL_FAILED` when its bytes were
   * changed in memory or everything was purged since, and as `allocate` does when there is no place.
   */
  async use<T>(
    name: string,
    fn: (secret: Secret) => T | PromiseLike<T>,
    options?: AllocateOptions,
  ): Promise<T> {
    if (typeof fn !== 'function') throw new TypeError('use() takes a function');
    const request = checkRequest(options);
    throwIfAborted(request.signal);
    this.#assertOpen('use');
    const looking = this.#followers.refresh([checkName(name)], request);
    if (looking !== undefined) {
      await looking;
      this.#assertOpen('use');
    }
    return this.#uses.use(name, fn, request);
  }

  /** The same for a synchronous `fn`, at once or with a capacity error. A returned promise is refused with `TypeError`. */
  useSync<T>(
    name: string,
    fn: (secret: Secret) => T,
    options?: Pick<AllocateOptions, 'onCapacity'>,
  ): T {
    if (typeof fn !== 'function') throw new TypeError('useSync() takes a function');
    const onCapacity = checkOnCapacity(options);
    this.#assertOpen('useSync');
    this.#followers.glance(checkName(name));
    return this.#uses.useSync(checkName(name), fn, onCapacity);
  }

  /**
   * The same as `use` for several secrets in one admission, all or none: how a task that needs a set avoids waiting for its second
   * secret while it holds its first. `fn` gets them in the order of the names; a name that is there twice leads to one secret.
   * However many such calls compete, none waits for another that waits.
   */
  async useAll<const Names extends readonly string[], T>(
    names: Names,
    fn: (secrets: SecretsOf<Names>) => T | PromiseLike<T>,
    options?: AllocateOptions,
  ): Promise<T> {
    if (typeof fn !== 'function') throw new TypeError('useAll() takes a function');
    const own = checkNames(names);
    const request = checkRequest(options);
    throwIfAborted(request.signal);
    this.#assertOpen('useAll');
    const looking = this.#followers.refresh(own, request);
    if (looking !== undefined) {
      await looking;
      this.#assertOpen('useAll');
    }
    return this.#uses.useAll(own, fn, request);
  }

  /**
   * Puts what a file holds under a name, and follows the file: each `use` and `useAll` of the name looks at it once, and where it
   * has changed, be it by a symbolic link that was swapped as Kubernetes does it, uses what it holds now. Users in flight finish
   * with the value that they began with. A `useSync` cannot wait: it sees a change when a use after it does.
   *
   * Rejects as `fromFile` does, and with `ERR_SECMEM_INPUT_INVALID` for what is no ordinary file (`details.reason` is `type`) or
   * changed each time it was read (`changed`); then nothing has changed. Later the old value stays when that happens, or there is
   * no place, and the event `follow-failed` says why, once for each reason. `signal` ends the first reading alone.
   *
   * It stops with the store, when it is stopped, and when the name is set, followed anew or deleted by anybody else. After a
   * purge the entry opens again only when the file has changed.
   */
  async follow(name: string, source: FollowedFile, options?: IngestOptions): Promise<Following> {
    checkName(name);
    const path = placeOfFile(source);
    const own = ownOptions(options, INGEST_NAMES, 'options');
    checkLimits(own);
    throwIfAborted(requestOf(own).signal);
    this.#assertOpen('follow');
    return this.#followers.follow(name, path, own);
  }

  /** Removes an entry; false when there is none. Whoever uses it goes on with it. */
  delete(name: string): boolean {
    return this.#index.delete(checkName(name));
  }

  /** Removes every entry. */
  clear(): void {
    this.#index.clear();
  }

  /**
   * Puts many secrets in, all or none, and resolves to their number: entries that are there stay as they are until the last
   * new one is sealed, then all change in one step. Sources are wiped or disposed as they are taken, and stay so when the
   * load fails. Of one name twice the later counts. It lets other work run every ten milliseconds, holds one slot,
   * and can be aborted; it fails when the allocator is purged meanwhile.
   */
  async load(source: LoadSource, options?: LoadOptions): Promise<number> {
    const own = takeLoadOptions(options);
    const ttlMs = ttlOf(own);
    const target = {
      owner: this.#owner,
      intake: this.#intake,
      assertOpen: () => this.#assertOpen('load'),
      checkName,
      discard: (id: number) => this.#entries.remove(id),
      commit: (staged: Map<string, number>) => this.#index.setAll(staged, ttlMs),
    };
    return loadInto(target, source, own);
  }

  /** Exact counts and bytes of this instant. */
  stats(): StoreStats {
    return {
      entries: this.#index.size,
      ordinaryByteLength: this.#entries.byteLength,
      open: this.#hot.size,
      inUse: this.#hot.inUse,
      hits: this.#uses.hits,
      misses: this.#uses.misses,
      evictions: this.#hot.evictions,
      expirations: this.#index.expirations,
    };
  }

  /** Ends the store: every entry is gone, and so is the sealing key once nothing else needs it. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#followers.stopAll();
    this.clear();
    this.#owner.places.standbys.delete(this.#hot);
    this.#owner.sealingKey.letGo();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #assertOpen(operation: string): void {
    this.#owner.places.assertOpen(operation);
    if (!this.#disposed) return;
    throw new SecureMemoryError('ERR_SECMEM_DISPOSED', 'the store is gone', { operation });
  }
}
