import type { Readable } from 'node:stream';
import { messageDigest, messageSignatureHex } from '../signing/message.js';
import { attachSignature, digestOf, type PreparedTransaction } from '../signing/transaction.js';
import type { MasterKeySource, Vault, WrappedKey } from '../signing/vault.js';
import type { VaultFigures } from '../signing/vault-figures.js';
import { StorageError } from '../storage/storage-error.js';
import type { AuditAction, KeyEntry, KeyOrigin, KeyRow, Store } from '../storage/store.js';
import { AuditLog } from './audit-log.js';
import type { EventLog } from './event-log.js';
import { Latencies } from './latencies.js';
import { Lifecycle, type ServiceState } from './lifecycle.js';
import { closing, Problem } from './problem.js';
import { problemOf } from './problem-of.js';

/** Counted since the start. */
export interface SigningCounts {
  signed: number;
  created: number;
  /** Answered with back-pressure: 429 or 503. */
  pushedBack: number;
  failed: number;
}

/** Who wants something, for the audit log; and how long they want it. */
export interface Caller {
  readonly who: string;
  readonly requestId: string;
  /** Fires when the caller is gone: nobody waits for memory on its behalf then. */
  readonly signal: AbortSignal;
}

export interface SigningServiceParts {
  readonly vault: Vault;
  readonly store: Store;
  readonly masterKeySource: MasterKeySource;
  readonly log: EventLog;
}

/** What the service does, without HTTP. Rejects with Problem only. */
export class SigningService {
  readonly latencies = new Latencies();
  readonly counts: SigningCounts = { signed: 0, created: 0, pushedBack: 0, failed: 0 };
  readonly #parts: SigningServiceParts;
  readonly #lifecycle: Lifecycle;
  readonly #audit: AuditLog;
  /** Which master key this service has. */
  #generation = 0;

  constructor(parts: SigningServiceParts) {
    this.#parts = parts;
    this.#lifecycle = new Lifecycle(parts.vault, () => this.#open());
    this.#audit = new AuditLog(parts.store);
  }

  get vault(): Vault {
    return this.#parts.vault;
  }

  get store(): Store {
    return this.#parts.store;
  }

  get state(): ServiceState {
    return this.#lifecycle.state;
  }

  /** What the memory with the keys looks like; `undefined` while there is no process that has any. */
  async figures(): Promise<VaultFigures | undefined> {
    const { vault } = this.#parts;
    const { state } = this;
    if (state === 'closing' || (vault.kind === 'keeper' && state !== 'unsealed')) return undefined;
    if (vault.kind === 'keeper' && vault.health.condition !== 'ready') return undefined;
    try {
      return await vault.figures();
    } catch {
      // It died, or was sealed, since the question.
      return undefined;
    }
  }

  /** Reads the master key and proves it; the first one ever becomes the one. Nothing happens where it is there already. */
  unseal(): Promise<void> {
    return this.#answer(() => this.#lifecycle.unseal());
  }

  /** Resolves with whether there was anything to wipe. */
  seal(): Promise<boolean> {
    return this.#answer(async () => {
      const before = this.state;
      await this.#lifecycle.seal();
      if (before === 'sealed') return false;
      const text = 'The master key is wiped, and so is every key that was in use.';
      this.#parts.log.add('sealed', text);
      return true;
    });
  }

  /** Seals and unseals as one step, also out of a halt: for whoever has looked, and chose. */
  renew(): Promise<void> {
    return this.#answer(() => this.#lifecycle.renew());
  }

  create(caller: Caller): Promise<KeyEntry> {
    return this.#answer(async () => {
      this.#lifecycle.requireUnsealed();
      const wrapped = await this.#parts.vault.create(caller);
      return this.#store(wrapped, 'created', caller);
    });
  }

  import(body: Readable, caller: Caller): Promise<KeyEntry> {
    return this.#answer(async () => {
      this.#lifecycle.requireUnsealed();
      const wrapped = await this.#parts.vault.import(body, caller);
      return this.#store(wrapped, 'imported', caller);
    });
  }

  list(after: string, limit: number): Promise<readonly KeyEntry[]> {
    return this.#answer(() => this.#parts.store.listKeys(after, limit));
  }

  signTransaction(
    address: string,
    transaction: PreparedTransaction,
    caller: Caller,
  ): Promise<PreparedTransaction> {
    return this.#sign('sign-transaction', address, digestOf(transaction), caller, (signature) =>
      attachSignature(transaction, signature),
    );
  }

  /** The 65 bytes that wallets exchange, hexadecimal. */
  signMessage(address: string, message: Uint8Array, caller: Caller): Promise<string> {
    const digest = messageDigest(message);
    return this.#sign('sign-message', address, digest, caller, messageSignatureHex);
  }

  /** Refuses everything from now on, lets what is under way finish, and wipes every secret. */
  async close(): Promise<void> {
    await this.#lifecycle.close();
    this.#parts.log.add('wiped', 'Every secret is wiped.');
  }

  async #open(): Promise<void> {
    const { vault, store, masterKeySource, log } = this.#parts;
    const known = await store.masterKeys();
    const check = await vault.unseal(
      masterKeySource,
      known.map((row) => row.check),
    );
    const row = known.find((candidate) => Buffer.compare(candidate.check, check) === 0);
    try {
      if (row === undefined) await this.#becomeFirst(check);
      this.#generation = row?.generation ?? 1;
    } catch (error) {
      await vault.seal();
      throw error;
    }
    log.add('unsealed', 'The master key is in protected memory; the service can sign.');
  }

  async #becomeFirst(check: Uint8Array): Promise<void> {
    const createdAt = new Date().toISOString();
    await this.#parts.store.addMasterKey({ generation: 1, check, createdAt });
  }

  /** Nobody gets a signature that is not in the audit log. */
  async #sign<T>(
    action: AuditAction,
    address: string,
    digest: Uint8Array,
    caller: Caller,
    finish: (signature: Awaited<ReturnType<Vault['sign']>>) => T,
  ): Promise<T> {
    const startedAt = performance.now();
    const result = await this.#answer(async () => {
      this.#lifecycle.requireUnsealed();
      const signature = await this.#parts.vault.sign(await this.#row(address), digest, caller);
      const digestHex = Buffer.from(digest).toString('hex');
      await this.#audit.append(entryOf(action, address, digestHex, caller));
      return finish(signature);
    });
    this.counts.signed++;
    this.latencies.add(performance.now() - startedAt);
    return result;
  }

  async #row(address: string): Promise<KeyRow> {
    const row = await this.#parts.store.findKey(address);
    if (row === undefined) throw new Problem(404, 'no-such-key', 'there is no key of this address');
    if (row.generation === this.#generation) return row;
    const detail =
      'this key is under another master key than the service has: see rotate-master-key';
    throw new Problem(503, 'master-key-rotated', detail);
  }

  async #store(wrapped: WrappedKey, origin: KeyOrigin, caller: Caller): Promise<KeyEntry> {
    const createdAt = new Date().toISOString();
    const { address } = wrapped;
    const action = origin === 'created' ? 'create' : 'import';
    await this.#parts.store.insertKey(
      { ...wrapped, origin, createdAt, generation: this.#generation },
      entryOf(action, address, '', caller),
    );
    this.counts.created++;
    this.#parts.log.add('key', `${origin} the key of ${address}`);
    return { address, origin, createdAt };
  }

  async #answer<T>(work: () => Promise<T>): Promise<T> {
    if (this.state === 'closing') throw closing();
    try {
      return await work();
    } catch (error) {
      const problem = problemOf(error, this.#retryAfterSeconds());
      if (problem.retryAfterSeconds !== undefined) this.counts.pushedBack++;
      else if (problem.status >= 500) this.counts.failed++;
      if (error instanceof StorageError && problem.status >= 500) {
        this.#parts.log.add('storage', `The database refused: ${error.message}.`, 'error');
      }
      throw problem;
    }
  }

  /** When the queue of now will be gone at the rate of late, at least one second. */
  #retryAfterSeconds(): number {
    const { perSecond, p50Ms } = this.latencies.summary();
    if (perSecond === 0) return 1;
    return Math.min(60, Math.max(1, Math.ceil((p50Ms / 1_000) * 2)));
  }
}

function entryOf(action: AuditAction, address: string, digest: string, caller: Caller) {
  const { requestId, who } = caller;
  return { requestId, at: new Date().toISOString(), action, address, digest, who };
}
