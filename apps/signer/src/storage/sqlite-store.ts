import Database from 'libsql';
import { chained } from './audit-chain.js';
import { FileGuard } from './file-guard.js';
import { MIGRATIONS } from './migrations.js';
import { entryOf, masterKeyOf, type RowColumns, recordOf, rowOf } from './rows.js';
import { StorageError, withStorageErrors } from './storage-error.js';
import type {
  AuditEntry,
  AuditRecord,
  KeyEntry,
  KeyRow,
  MasterKeyRow,
  Rewrapped,
  Store,
} from './store.js';

/** How long a statement waits for another process, in milliseconds. Short: the service answers nothing meanwhile. */
const BUSY_MS = 250;
/** More than a key and its audit record need, in bytes. */
const PROBE_BYTE_LENGTH = 16_384;

export interface SqliteOptions {
  /** Largest size in pages of 4 KiB: what a full disk looks like, for tests and for quotas. */
  readonly pagesMax?: number;
}

/**
 * Keys and audit log in one file. Every commit is on the disk before it is acknowledged (write-ahead log,
 * `synchronous = FULL`), and the file is still the one at its path, so that a key that was reported survives any death of
 * the process.
 */
export class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #guard: FileGuard;
  readonly #statements = new Map<string, Database.Statement>();
  /** Why the last write was not acknowledged; a write that is clears it. */
  #failure: StorageError | undefined;
  /** The end of the chain that this process acknowledged: whatever is in the file later, that is in it. */
  #acknowledged: { readonly seq: number; readonly hash: string };

  /**
   * Opens the file, checks it, and brings it to the current version; makes it, for its owner only, where there is none.
   * Throws StorageError; nothing stays open then.
   */
  constructor(path: string, options: SqliteOptions = {}) {
    this.#path = path;
    this.#guard = withStorageErrors(() => new FileGuard(path, () => this.#verify()));
    try {
      this.#database = withStorageErrors(() => openChecked(path));
      try {
        withStorageErrors(() => migrate(this.#database));
        if (options.pagesMax !== undefined) {
          this.#database.pragma(`max_page_count = ${options.pagesMax}`);
        }
        this.#guard.remember();
        this.#acknowledged = this.#head(this.#database);
      } catch (error) {
        this.#database.close();
        throw error;
      }
    } catch (error) {
      this.#guard.close();
      throw error;
    }
  }

  async masterKeys(): Promise<readonly MasterKeyRow[]> {
    return this.#all('SELECT * FROM master_keys ORDER BY generation DESC').map(masterKeyOf);
  }

  async addMasterKey({ generation, check, createdAt }: MasterKeyRow): Promise<void> {
    const insert = 'INSERT INTO master_keys VALUES (?, ?, ?)';
    this.#write(() => this.#run(insert, generation, Buffer.from(check), createdAt));
  }

  async retireMasterKeysBefore(generation: number): Promise<void> {
    this.#write(() => {
      const left = this.#all('SELECT 1 FROM keys WHERE generation < ? LIMIT 1', generation);
      if (left.length > 0) throw rotated('a key is under an older master key');
      this.#run('DELETE FROM master_keys WHERE generation < ?', generation);
    });
  }

  async insertKey(row: KeyRow, entry: AuditEntry): Promise<void> {
    const { address, wrappedKey, envelope, origin, createdAt, generation } = row;
    this.#write(() => {
      this.#requireNewest(generation);
      // The library ends the process when it is given a byte array that is no Buffer.
      const buffers = [Buffer.from(wrappedKey), Buffer.from(envelope)] as const;
      const insert = `INSERT INTO keys (address, wrapped_key, envelope, origin, created_at, generation)
         VALUES (?, ?, ?, ?, ?, ?)`;
      this.#run(insert, address, ...buffers, origin, createdAt, generation);
      this.#append([entry]);
    });
  }

  async findKey(address: string): Promise<KeyRow | undefined> {
    // What is signed with has to be written down: nobody gets that far with a file that is lost.
    this.#guard.check();
    const [row] = this.#all('SELECT * FROM keys WHERE address = ?', address);
    return row === undefined ? undefined : rowOf(row);
  }

  async listKeys(after: string, limit: number): Promise<readonly KeyEntry[]> {
    const select = 'SELECT * FROM keys WHERE address > ? ORDER BY address LIMIT ?';
    return this.#all(select, after, limit).map(entryOf);
  }

  async keysAfter(after: string, limit: number): Promise<readonly KeyRow[]> {
    const select = 'SELECT * FROM keys WHERE address > ? ORDER BY address LIMIT ?';
    return this.#all(select, after, limit).map(rowOf);
  }

  async countKeys(): Promise<number> {
    return Number(this.#all('SELECT count(*) AS n FROM keys')[0]?.['n']);
  }

  async rewrap(rows: readonly Rewrapped[], generation: number): Promise<void> {
    this.#write(() => {
      this.#requireNewest(generation);
      const update = 'UPDATE keys SET wrapped_key = ?, generation = ? WHERE address = ?';
      for (const { address, wrappedKey } of rows) {
        this.#run(update, Buffer.from(wrappedKey), generation, address);
      }
    });
  }

  async appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    this.#write(() => this.#append(entries));
  }

  async auditAfter(seq: number, limit: number): Promise<readonly AuditRecord[]> {
    const select = 'SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#all(select, seq, limit).map(recordOf);
  }

  async auditHead(): Promise<{ readonly seq: number; readonly hash: string }> {
    return withStorageErrors(() => this.#head(this.#database));
  }

  /** After a write that failed, another one is tried: only that tells whether the disk has room again. */
  async check(): Promise<void> {
    this.#guard.check();
    if (this.#failure === undefined) return;
    this.#write(() => this.#run('INSERT INTO probe VALUES (1, zeroblob(?))', PROBE_BYTE_LENGTH));
    this.#write(() => this.#run('DELETE FROM probe'));
  }

  async close(): Promise<void> {
    this.#statements.clear();
    try {
      // The library keeps the file open until its statements are collected, so SQLite does not do this by itself.
      this.#database.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // What is committed is in the log, and stays there until the next opening.
    }
    this.#database.close();
    this.#guard.close();
  }

  /** A transaction that is on the disk, in the file at the path, when this returns; undone when it throws. */
  #write(work: () => void): void {
    try {
      this.#guard.check();
      withStorageErrors(() => {
        this.#database.exec('BEGIN IMMEDIATE');
        try {
          work();
          this.#database.exec('COMMIT');
        } catch (error) {
          if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
          throw error;
        }
      });
      this.#guard.remember();
      this.#acknowledged = this.#head(this.#database);
      this.#failure = undefined;
    } catch (error) {
      if (error instanceof StorageError && isOfTheDisk(error)) this.#failure = error;
      throw error;
    }
  }

  #append(entries: readonly AuditEntry[]): void {
    const records = chained(this.#head(this.#database), entries);
    const insert = 'INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
    for (const { seq, requestId, at, action, address, digest, who, hash } of records) {
      this.#run(insert, seq, requestId, at, action, address, digest, who, hash);
    }
    const last = records.at(-1);
    if (last !== undefined)
      this.#run('UPDATE audit_head SET seq = ?, hash = ?', last.seq, last.hash);
  }

  #requireNewest(generation: number): void {
    const [row] = this.#all('SELECT max(generation) AS newest FROM master_keys');
    if ((row as { newest?: unknown } | undefined)?.newest === generation) return;
    throw rotated('keys are stored under a newer master key');
  }

  /** Everything, from the disk: through a connection that has nothing in its cache. */
  #verify(): void {
    const { seq, hash } = this.#acknowledged;
    const fresh = openChecked(this.#path);
    try {
      if (seq === 0) return;
      const row = fresh.prepare('SELECT hash FROM audit WHERE seq = ?').get(seq);
      if ((row as { hash?: string } | undefined)?.hash === hash) return;
      throw new StorageError('STORAGE_LOST', 'the database is older than what was acknowledged');
    } finally {
      fresh.close();
    }
  }

  #head(database: Database.Database): { readonly seq: number; readonly hash: string } {
    return database.prepare('SELECT seq, hash FROM audit_head').get() as {
      readonly seq: number;
      readonly hash: string;
    };
  }

  #all(sql: string, ...values: readonly unknown[]): RowColumns[] {
    return withStorageErrors(() => this.#statement(sql).all(...values)) as RowColumns[];
  }

  #run(sql: string, ...values: readonly unknown[]): void {
    this.#statement(sql).run(...values);
  }

  #statement(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function openChecked(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('trusted_schema = OFF');
    const [first] = database.pragma('quick_check(1)') as readonly { quick_check?: string }[];
    if (first?.quick_check === 'ok') return database;
    throw new StorageError('STORAGE_CORRUPT', 'the database is damaged: restore it from a backup');
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Each version in a transaction of its own: a death in the middle leaves the version before. */
function migrate(database: Database.Database): void {
  const [row] = database.pragma('user_version') as readonly { user_version: number }[];
  const version = row?.user_version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new StorageError(
      'STORAGE_NEWER',
      `the database is of version ${version} and this program knows ${MIGRATIONS.length}: use a newer one`,
    );
  }
  for (const [at, sql] of MIGRATIONS.slice(version).entries()) {
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${version + at + 1}; COMMIT;`);
  }
}

/** Whether a next write may well meet the same: not a busy moment, and not what one request did wrong. */
function isOfTheDisk({ code }: StorageError): boolean {
  return code !== 'STORAGE_LOCKED' && code !== 'STORAGE_DUPLICATE' && code !== 'STORAGE_ROTATED';
}

function rotated(what: string): StorageError {
  return new StorageError('STORAGE_ROTATED', what);
}
