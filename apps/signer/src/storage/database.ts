import Database from 'libsql';
import { MIGRATIONS } from './migrations.js';
import { StorageError, withStorageErrors } from './storage-error.js';

/** How long a statement waits for another process, in milliseconds. Short: the service answers nothing meanwhile. */
const BUSY_MS = 250;

export interface DatabaseOptions {
  /** Largest size in pages of 4 KiB: what a full disk looks like, for tests and for quotas. */
  readonly pagesMax?: number;
}

/**
 * Opens the database, checks it, and brings it to the current version. Every commit is on the disk before it is
 * acknowledged (write-ahead log, `synchronous = FULL`), so that a key that was reported survives any death of the process.
 *
 * Throws StorageError; nothing stays open then.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database.Database {
  return withStorageErrors(() => {
    const database = new Database(path, { timeout: BUSY_MS });
    try {
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('trusted_schema = OFF');
      checkIntegrity(database);
      migrate(database);
      if (options.pagesMax !== undefined) database.pragma(`max_page_count = ${options.pagesMax}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function checkIntegrity(database: Database.Database): void {
  const [first] = database.pragma('quick_check(1)') as readonly { quick_check?: string }[];
  if (first?.quick_check === 'ok') return;
  throw new StorageError('STORAGE_CORRUPT', 'the database is damaged: restore it from a backup');
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
