import { type Allocator, createAllocator, type MemoryBackend } from '@securemem/core';
import { openBackend } from '../signing/backend.js';
import type { MasterKeyRow, Store } from '../storage/store.js';
import { backendOf, type DatabaseValues, openDatabase } from './database-options.js';

/** What a command works with that handles keys. */
export interface KeySession {
  readonly store: Store;
  readonly backend: MemoryBackend;
  readonly memory: Allocator;
  /** The master keys that the database knows, the newest first. */
  readonly known: readonly MasterKeyRow[];
}

/** Opens the database and locked memory for `run`; both are closed however it ends. Throws what opening throws, and what `run` does. */
export async function withKeySession<T>(
  values: DatabaseValues,
  run: (session: KeySession) => Promise<T>,
): Promise<T> {
  const { store, close } = await openDatabase(values);
  try {
    using backend = openBackend({ backend: backendOf(values) });
    const memory = createAllocator({ backend });
    try {
      return await run({ store, backend, memory, known: await store.masterKeys() });
    } finally {
      await memory.close();
    }
  } finally {
    await close();
  }
}
