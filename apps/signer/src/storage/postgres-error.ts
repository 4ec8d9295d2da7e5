import { StorageError, type StorageErrorCode } from './storage-error.js';

/** By SQLSTATE, the longer ones first: their first two characters are the class. */
const CODES: readonly (readonly [string, StorageErrorCode, string])[] = [
  ['23505', 'STORAGE_DUPLICATE', 'the row is already there'],
  ['28', 'STORAGE_UNAVAILABLE', 'the server refuses the user or the password'],
  ['3D', 'STORAGE_UNAVAILABLE', 'there is no such database'],
  ['53100', 'STORAGE_FULL', 'the disk of the server is full'],
  ['53', 'STORAGE_LOCKED', 'the server has no room for another connection'],
  ['55P03', 'STORAGE_LOCKED', 'another replica holds the database'],
  ['57014', 'STORAGE_LOCKED', 'the server took too long'],
  ['40', 'STORAGE_LOCKED', 'another replica was first'],
  ['XX001', 'STORAGE_CORRUPT', 'the database is damaged'],
  ['XX002', 'STORAGE_CORRUPT', 'the database is damaged'],
];

/** Runs `work` on the server and turns what the client throws into a StorageError. Its messages name no content. */
export async function withPostgresErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StorageError ? error : postgresError(error);
  }
}

function postgresError(error: unknown): StorageError {
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const known = CODES.find(([prefix]) => code.startsWith(prefix));
  if (known !== undefined) return new StorageError(known[1], known[2], error);
  return new StorageError('STORAGE_FAILED', 'the database server does not answer', error);
}
