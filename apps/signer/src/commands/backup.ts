import { existsSync, linkSync, rmSync } from 'node:fs';
import Database from 'libsql';
import { ConfigError, parseOptions, required } from '../service/option-values.js';
import { verifyAuditChain } from '../storage/audit-chain.js';
import { SqliteStore } from '../storage/sqlite-store.js';
import { StorageError, withStorageErrors } from '../storage/storage-error.js';
import { DATABASE_OPTIONS, locationOf } from './database-options.js';
import { makePrivate, syncFile, unusedPath } from './durable-file.js';

/**
 * Copies the database as it is at one instant, also while services write to it, into a file that was not there before. The
 * copy is checked, and on the disk, when this resolves; nothing is at its path when it rejects.
 */
export async function backup(args: readonly string[]): Promise<string> {
  const values = parseOptions(args, { ...DATABASE_OPTIONS, to: { type: 'string' } });
  const location = locationOf(values);
  const target = required('to', values.to);
  if (location.kind !== 'sqlite') {
    throw new ConfigError('backup is for a file: a server has pg_dump, which is consistent, too');
  }
  const draft = unusedPath(target);
  // Opening would make an empty one.
  if (!existsSync(location.path)) {
    throw new StorageError('STORAGE_UNAVAILABLE', 'there is no such database');
  }
  const source = withStorageErrors(() => new Database(location.path));
  try {
    makePrivate(draft);
    withStorageErrors(() => source.prepare('VACUUM INTO ?').run(draft));
    const keys = await checkedCount(draft);
    syncFile(draft);
    linkSync(draft, target);
    syncFile(target);
    return `${keys} are in ${target}`;
  } finally {
    source.close();
    for (const end of ['', '-wal', '-shm']) rmSync(`${draft}${end}`, { force: true });
  }
}

async function checkedCount(path: string): Promise<string> {
  const store = new SqliteStore(path);
  try {
    const records = await verifyAuditChain(store);
    return `${await store.countKeys()} keys and ${records} records of the audit log`;
  } finally {
    await store.close();
  }
}
