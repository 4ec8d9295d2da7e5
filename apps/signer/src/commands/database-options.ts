import { databaseLocation } from '../service/database-location.js';
import { type OpenStore, openStore } from '../service/open-store.js';
import { choice, required } from '../service/option-values.js';
import { BACKEND_NAMES, type BackendName } from '../signing/backend.js';

/** The options that every command has. */
export const DATABASE_OPTIONS = {
  database: { type: 'string' },
  'database-password-file': { type: 'string' },
  backend: { type: 'string' },
} as const;

export interface DatabaseValues {
  readonly database?: string | undefined;
  readonly 'database-password-file'?: string | undefined;
  readonly backend?: string | undefined;
}

export function locationOf(values: DatabaseValues) {
  return databaseLocation(required('database', values.database), values['database-password-file']);
}

export function backendOf(values: DatabaseValues): BackendName {
  return choice('backend', values.backend ?? 'koffi', BACKEND_NAMES);
}

/** Throws ConfigError, StorageError, VaultError or SecureMemoryError. */
export function openDatabase(values: DatabaseValues): Promise<OpenStore> {
  return openStore(locationOf(values), backendOf(values));
}
