import { constants, copyFileSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore } from '../service/open-store.js';
import { parseOptions, required } from '../service/option-values.js';
import { verifyAuditChain } from '../storage/audit-chain.js';
import { PostgresStore } from '../storage/postgres-store.js';
import { SqliteStore } from '../storage/sqlite-store.js';
import { backendOf, DATABASE_OPTIONS, locationOf } from './database-options.js';
import { syncFile, unusedPath } from './durable-file.js';

/**
 * Makes a database from a backup: a file that is not there yet, or an empty database of a server. The backup is checked
 * before anything is made of it and stays as it is. Nothing is at the path, or in the server's database, when it rejects.
 */
export async function restore(args: readonly string[]): Promise<string> {
  const values = parseOptions(args, { ...DATABASE_OPTIONS, from: { type: 'string' } });
  const location = locationOf(values);
  const from = required('from', values.from);
  if (location.kind === 'sqlite') unusedPath(location.path);
  // Beside its place, since a file moves in one step within one file system only.
  const parent = location.kind === 'sqlite' ? dirname(location.path) : tmpdir();
  const directory = mkdtempSync(join(parent, '.restore-'));
  try {
    const draft = join(directory, 'keys.db');
    copyFileSync(from, draft, constants.COPYFILE_EXCL);
    const store = new SqliteStore(draft);
    let what: string;
    try {
      const records = await verifyAuditChain(store);
      what = `${await store.countKeys()} keys and ${records} records of the audit log`;
      if (location.kind === 'postgresql') await fill(store, location, backendOf(values));
    } finally {
      await store.close();
    }
    if (location.kind === 'sqlite') {
      syncFile(draft);
      linkSync(draft, location.path);
      syncFile(location.path);
    }
    return `${what} were restored`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(source: SqliteStore, ...target: Parameters<typeof openStore>): Promise<void> {
  const { store, close } = await openStore(...target);
  try {
    if (store instanceof PostgresStore) await store.fill(source);
  } finally {
    await close();
  }
}
