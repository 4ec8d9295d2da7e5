import { closeSync } from 'node:fs';
import { type Allocator, createAllocator, type MemoryBackend, type Secret } from '@securemem/core';
import { type BackendName, openBackend } from '../signing/backend.js';
import { openSecretFile } from '../signing/secret-file.js';
import { PostgresStore } from '../storage/postgres-store.js';
import { SqliteStore } from '../storage/sqlite-store.js';
import { StorageError } from '../storage/storage-error.js';
import type { Store } from '../storage/store.js';

/** Where keys and audit log are. */
export type DatabaseLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgresql';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
      readonly tls: boolean;
      readonly passwordPath: string | undefined;
    };

/** A store, and what it needs beside itself: `close()` ends both. */
export interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

/** Enough for one password: the memory of the keys is another one. */
const PASSWORD_BUDGET_BYTE_LENGTH = 8_192;
const PASSWORD_BYTE_LENGTH_MAX = 1_024;

/** Rejects with StorageError, VaultError or SecureMemoryError; nothing stays open then. */
export async function openStore(
  location: DatabaseLocation,
  backend: BackendName,
): Promise<OpenStore> {
  if (location.kind === 'sqlite') {
    const store = new SqliteStore(location.path);
    return { store, close: () => store.close() };
  }
  const password = await DatabasePassword.open(location.passwordPath, backend);
  try {
    const store = await PostgresStore.open({ ...location, password: () => password.text() });
    return {
      store,
      close: async () => {
        await store.close();
        await password.close();
      },
    };
  } catch (error) {
    await password.close();
    throw error;
  }
}

/** The password of a database server, in locked memory as long as the service runs. */
class DatabasePassword {
  readonly #memory: Allocator | undefined;
  readonly #backend: MemoryBackend | undefined;
  readonly #secret: Secret | undefined;

  private constructor(memory?: Allocator, backend?: MemoryBackend, secret?: Secret) {
    this.#memory = memory;
    this.#backend = backend;
    this.#secret = secret;
  }

  static async open(path: string | undefined, name: BackendName): Promise<DatabasePassword> {
    if (path === undefined) return new DatabasePassword();
    const descriptor = openSecretFile(path, 'the file of the database password');
    const backend = openBackend({ backend: name, kernelHidden: 'off' });
    const budget = { lockedByteLengthMax: PASSWORD_BUDGET_BYTE_LENGTH };
    const memory = createAllocator({ backend, budget });
    try {
      const limits = { byteLengthMax: PASSWORD_BYTE_LENGTH_MAX, trimNewline: true };
      const secret = await memory.fromFd(descriptor, limits);
      return new DatabasePassword(memory, backend, secret);
    } catch (error) {
      await memory.close();
      backend[Symbol.dispose]();
      throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * The one string that the client of the database takes. It stays in the heap until the collector comes by, which nobody
   * can hurry: docs/COPIES.md names it.
   */
  text(): string {
    if (this.#secret === undefined) {
      const detail = 'the server asks for a password: give --database-password-file';
      throw new StorageError('STORAGE_UNAVAILABLE', detail);
    }
    return this.#secret.read((bytes) => new TextDecoder().decode(bytes));
  }

  async close(): Promise<void> {
    await this.#memory?.close();
    this.#backend?.[Symbol.dispose]();
  }
}
