import type Database from 'libsql';
import { withStorageErrors } from './storage-error.js';

/**
 * One row: an envelope that opens under the right master key and under no other. It is what tells a wrong master key
 * before a key is made under it.
 */
export class VaultTable {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  get checkEnvelope(): Uint8Array | undefined {
    const select = 'SELECT check_envelope FROM vault WHERE id = 1';
    const row = withStorageErrors(() => this.#database.prepare(select).get());
    return (row as { check_envelope: Buffer } | undefined)?.check_envelope;
  }

  /** Once, with the first master key. `STORAGE_DUPLICATE` when somebody was first. */
  initialise(checkEnvelope: Uint8Array, createdAt: string): void {
    const insert = 'INSERT INTO vault (id, check_envelope, created_at) VALUES (1, ?, ?)';
    withStorageErrors(() =>
      this.#database.prepare(insert).run(Buffer.from(checkEnvelope), createdAt),
    );
  }
}
