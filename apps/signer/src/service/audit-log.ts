import type { AuditEntry, Store } from '../storage/store.js';

/** Entries of one commit. */
const BATCH_MAX = 512;

interface Waiting {
  readonly entry: AuditEntry;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes down what was signed before anybody gets it. Requests that finish together share one commit, and while one is on
 * its way the next ones gather: a disk that syncs a hundred times a second does not sign a hundred times a second.
 */
export class AuditLog {
  readonly #store: Store;
  readonly #waiting: Waiting[] = [];
  #writing = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when the entry is on the disk; rejects with StorageError, and what it is about is not given out then. */
  append(entry: AuditEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Whoever finishes in this turn is in time for the first commit.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        await this.#store.appendAudit(batch.map(({ entry }) => entry));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      await new Promise(setImmediate);
    }
    this.#writing = false;
  }
}
