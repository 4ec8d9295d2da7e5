import type Database from 'libsql';
import { withStorageErrors } from './storage-error.js';

export type KeyOrigin = 'created' | 'imported';

/** What is told about a key: nothing that opens it. */
export interface KeyEntry {
  readonly address: string;
  readonly origin: KeyOrigin;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** A key as it is stored: the private key under a key of its own, and that one under the master key. */
export interface KeyRow extends KeyEntry {
  readonly wrappedKey: Uint8Array;
  readonly envelope: Uint8Array;
}

interface EntryColumns {
  readonly address: string;
  readonly origin: KeyOrigin;
  readonly created_at: string;
}

interface RowColumns extends EntryColumns {
  readonly wrapped_key: Buffer;
  readonly envelope: Buffer;
}

/** The keys. Every method throws StorageError, and has changed nothing then. */
export class KeyTable {
  readonly #insert: Database.Statement<[string, Buffer, Buffer, string, string]>;
  readonly #find: Database.Statement<[string]>;
  readonly #list: Database.Statement<[string, number]>;
  readonly #count: Database.Statement<[]>;

  constructor(database: Database.Database) {
    this.#insert = database.prepare(
      'INSERT INTO keys (address, wrapped_key, envelope, origin, created_at) VALUES (?, ?, ?, ?, ?)',
    );
    this.#find = database.prepare('SELECT * FROM keys WHERE address = ?');
    this.#list = database.prepare(
      'SELECT address, origin, created_at FROM keys WHERE address > ? ORDER BY address LIMIT ?',
    );
    this.#count = database.prepare('SELECT count(*) AS n FROM keys');
  }

  /** `STORAGE_DUPLICATE` when the address is there already. On the disk when it returns. */
  insert({ address, wrappedKey, envelope, origin, createdAt }: KeyRow): void {
    // The library ends the process when it is given a byte array that is no Buffer.
    const buffers = [Buffer.from(wrappedKey), Buffer.from(envelope)] as const;
    withStorageErrors(() => this.#insert.run(address, ...buffers, origin, createdAt));
  }

  find(address: string): KeyRow | undefined {
    const row = withStorageErrors(() => this.#find.get(address)) as RowColumns | undefined;
    if (row === undefined) return undefined;
    return { ...entryOf(row), wrappedKey: row.wrapped_key, envelope: row.envelope };
  }

  /** In the order of addresses, those after `after`, at most `limit`. */
  list(after: string, limit: number): readonly KeyEntry[] {
    const rows = withStorageErrors(() => this.#list.all(after, limit)) as EntryColumns[];
    return rows.map(entryOf);
  }

  count(): number {
    return (withStorageErrors(() => this.#count.get()) as { n: number }).n;
  }
}

function entryOf({ address, origin, created_at }: EntryColumns): KeyEntry {
  return { address, origin, createdAt: created_at };
}
