export type StorageErrorCode =
  | 'STORAGE_LOCKED'
  | 'STORAGE_FULL'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_DUPLICATE'
  | 'STORAGE_NEWER'
  /** The open file is not the one at its path any more. */
  | 'STORAGE_LOST'
  /** Keys are under a newer master key. */
  | 'STORAGE_ROTATED'
  | 'STORAGE_FAILED';

/** What the database refused, and why. After it the statement or transaction has changed nothing. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StorageError';
    this.code = code;
  }
}

/** By the beginning of SQLite's result code; the longer codes begin with the shorter ones. */
const CODES: readonly (readonly [string, StorageErrorCode, string])[] = [
  ['SQLITE_BUSY', 'STORAGE_LOCKED', 'another process holds the database'],
  ['SQLITE_LOCKED', 'STORAGE_LOCKED', 'another connection holds the database'],
  ['SQLITE_FULL', 'STORAGE_FULL', 'the disk or the database is full'],
  ['SQLITE_IOERR', 'STORAGE_FAILED', 'the disk failed'],
  ['SQLITE_READONLY', 'STORAGE_UNAVAILABLE', 'the database is read-only'],
  ['SQLITE_CANTOPEN', 'STORAGE_UNAVAILABLE', 'the database cannot be opened'],
  ['SQLITE_CORRUPT', 'STORAGE_CORRUPT', 'the database is damaged'],
  ['SQLITE_NOTADB', 'STORAGE_CORRUPT', 'the file is not a database'],
  ['EACCES', 'STORAGE_UNAVAILABLE', 'the database cannot be opened'],
  ['ENOENT', 'STORAGE_UNAVAILABLE', 'the database cannot be opened'],
  ['EISDIR', 'STORAGE_UNAVAILABLE', 'the database cannot be opened'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'STORAGE_DUPLICATE', 'the row is already there'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'STORAGE_DUPLICATE', 'the row is already there'],
];

/** Runs `work` on the database and turns what the library throws into a StorageError. */
export function withStorageErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof StorageError ? error : storageError(error);
  }
}

function storageError(error: unknown): StorageError {
  const code = String((error as { code?: unknown }).code ?? '');
  const known = CODES.find(([prefix]) => code.startsWith(prefix));
  if (known !== undefined) return new StorageError(known[1], known[2], error);
  // The library reports a path that cannot be opened without a code, as the text of its own error.
  if (/^ConnectionFailed/.test(String((error as Error).message))) {
    return new StorageError('STORAGE_UNAVAILABLE', 'the database cannot be opened', error);
  }
  return new StorageError('STORAGE_FAILED', 'the database refused', error);
}
