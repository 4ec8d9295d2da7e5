import type { Readable } from 'node:stream';
import { messageDigest, messageSignatureHex } from '../signing/message.js';
import { attachSignature, digestOf, type Eip1559Transaction } from '../signing/transaction.js';
import type { MasterKeySource, Vault, VaultState } from '../signing/vault.js';
import type { VaultFigures } from '../signing/vault-figures.js';
import type { KeyEntry, KeyOrigin, KeyRow, KeyTable } from '../storage/key-table.js';
import type { VaultTable } from '../storage/vault-table.js';
import type { EventLog } from './event-log.js';
import { Latencies } from './latencies.js';
import { closing, Problem, problemOf } from './problem.js';

/** Counted since the start. */
export interface SigningCounts {
  signed: number;
  created: number;
  /** Answered with back-pressure: 429 or 503. */
  pushedBack: number;
  failed: number;
}

export interface SigningServiceParts {
  readonly vault: Vault;
  readonly keys: KeyTable;
  readonly vaultTable: VaultTable;
  readonly masterKeySource: MasterKeySource;
  readonly log: EventLog;
}

/** What the service does, without HTTP. Rejects with Problem only. */
export class SigningService {
  readonly latencies = new Latencies();
  readonly counts: SigningCounts = { signed: 0, created: 0, pushedBack: 0, failed: 0 };
  readonly #parts: SigningServiceParts;
  #closing = false;

  constructor(parts: SigningServiceParts) {
    this.#parts = parts;
  }

  get vault(): Vault {
    return this.#parts.vault;
  }

  get state(): VaultState | 'closing' {
    return this.#closing ? 'closing' : this.#parts.vault.state;
  }

  /** What the memory with the keys looks like; `undefined` while there is no process that has any. */
  async figures(): Promise<VaultFigures | undefined> {
    const { vault } = this.#parts;
    if (this.#closing || (vault.kind === 'keeper' && vault.health.condition !== 'ready'))
      return undefined;
    try {
      return await vault.figures();
    } catch {
      // It died, or was sealed, since the question.
      return undefined;
    }
  }

  /** Reads the master key and proves it; the first one ever becomes the one. */
  unseal(): Promise<void> {
    return this.#answer(async () => {
      const { vault, vaultTable, masterKeySource, log } = this.#parts;
      const known = vaultTable.checkEnvelope;
      const check = await vault.unseal(masterKeySource, known);
      if (known === undefined) {
        try {
          vaultTable.initialise(check, new Date().toISOString());
        } catch (error) {
          await vault.seal();
          throw error;
        }
      }
      log.add('unsealed', 'The master key is in protected memory; the service can sign.');
    });
  }

  seal(): Promise<void> {
    return this.#answer(async () => {
      await this.#parts.vault.seal();
      this.#parts.log.add(
        'sealed',
        'The master key is wiped, and so is every key that was in use.',
      );
    });
  }

  create(signal: AbortSignal): Promise<KeyEntry> {
    return this.#answer(async () => {
      const wrapped = await this.#parts.vault.create({ signal });
      return this.#store({ ...wrapped, ...origin('created') });
    });
  }

  import(body: Readable, signal: AbortSignal): Promise<KeyEntry> {
    return this.#answer(async () => {
      const wrapped = await this.#parts.vault.import(body, { signal });
      return this.#store({ ...wrapped, ...origin('imported') });
    });
  }

  list(after: string, limit: number): Promise<readonly KeyEntry[]> {
    return this.#answer(async () => this.#parts.keys.list(after, limit));
  }

  signTransaction(
    address: string,
    transaction: Eip1559Transaction,
    signal: AbortSignal,
  ): Promise<Eip1559Transaction> {
    return this.#sign(async () => {
      const { vault } = this.#parts;
      const digest = digestOf(transaction);
      return attachSignature(transaction, await vault.sign(this.#row(address), digest, { signal }));
    });
  }

  /** The 65 bytes that wallets exchange, hexadecimal. */
  signMessage(address: string, message: Uint8Array, signal: AbortSignal): Promise<string> {
    return this.#sign(async () => {
      const { vault } = this.#parts;
      const digest = messageDigest(message);
      return messageSignatureHex(await vault.sign(this.#row(address), digest, { signal }));
    });
  }

  /** Refuses everything from now on, lets what is under way finish, and wipes every secret. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#parts.vault.close();
    this.#parts.log.add('wiped', 'Every secret is wiped.');
  }

  #row(address: string): KeyRow {
    const row = this.#parts.keys.find(address);
    if (row === undefined) throw new Problem(404, 'no-such-key', 'there is no key of this address');
    return row;
  }

  #store(row: KeyRow): KeyEntry {
    this.#parts.keys.insert(row);
    this.counts.created++;
    this.#parts.log.add('key', `${row.origin} the key of ${row.address}`);
    const { address, origin, createdAt } = row;
    return { address, origin, createdAt };
  }

  async #sign<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await this.#answer(work);
    this.counts.signed++;
    this.latencies.add(performance.now() - startedAt);
    return result;
  }

  async #answer<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw closing();
    try {
      return await work();
    } catch (error) {
      const problem = problemOf(error, this.#retryAfterSeconds());
      if (problem.retryAfterSeconds !== undefined) this.counts.pushedBack++;
      else if (problem.status >= 500) this.counts.failed++;
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

function origin(how: KeyOrigin): { origin: KeyOrigin; createdAt: string } {
  return { origin: how, createdAt: new Date().toISOString() };
}
