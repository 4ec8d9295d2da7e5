import type pg from 'pg';
import { chained } from './audit-chain.js';
import { POSTGRES_MIGRATIONS } from './postgres-migrations.js';
import type { RowColumns } from './rows.js';
import { StorageError } from './storage-error.js';
import type { AuditEntry, AuditRecord, KeyRow, MasterKeyRow, Store } from './store.js';

/** What is done inside a transaction, on its connection. */
type Client = Pick<pg.PoolClient, 'query'>;

/** Any number, as long as it is always this one: replicas that start at once migrate one after another. */
const MIGRATION_LOCK = 7_364_656_365;
const PAGE = 500;

/** One version after another, by one replica at a time. */
export async function migrate(client: Client): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await client.query(
    'CREATE TABLE IF NOT EXISTS schema_version (id integer PRIMARY KEY CHECK (id = 1), version integer NOT NULL)',
  );
  const { rows } = await client.query('SELECT version FROM schema_version');
  const version = Number((rows[0] as RowColumns | undefined)?.['version'] ?? 0);
  if (version > POSTGRES_MIGRATIONS.length) {
    throw new StorageError(
      'STORAGE_NEWER',
      `the database is of version ${version} and this program knows ${POSTGRES_MIGRATIONS.length}: use a newer one`,
    );
  }
  for (const sql of POSTGRES_MIGRATIONS.slice(version)) await client.query(sql);
  await client.query(
    'INSERT INTO schema_version VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET version = $1',
    [POSTGRES_MIGRATIONS.length],
  );
}

/** Replicas append one after another: each waits for the row that the one before has locked. */
export async function append(client: Client, entries: readonly AuditEntry[]): Promise<void> {
  const { rows } = await client.query('SELECT seq, hash FROM audit_head FOR UPDATE');
  const head = rows[0] as RowColumns | undefined;
  const records = chained({ seq: Number(head?.['seq']), hash: String(head?.['hash']) }, entries);
  const last = records.at(-1);
  if (last === undefined) return;
  const column = <K extends keyof AuditRecord>(name: K) => records.map((record) => record[name]);
  await client.query(
    `INSERT INTO audit SELECT * FROM unnest
       ($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])`,
    [
      ...[column('seq'), column('requestId'), column('at'), column('action')],
      ...[column('address'), column('digest'), column('who'), column('hash')],
    ],
  );
  await client.query('UPDATE audit_head SET seq = $1, hash = $2', [last.seq, last.hash]);
}

/** Holds off a rotation until the transaction ends. */
export async function requireNewest(client: Client, generation: number): Promise<void> {
  await client.query('LOCK TABLE master_keys IN ROW SHARE MODE');
  const { rows } = await client.query('SELECT max(generation) AS newest FROM master_keys');
  if (Number((rows[0] as RowColumns | undefined)?.['newest']) === generation) return;
  throw new StorageError('STORAGE_ROTATED', 'keys are stored under a newer master key');
}

export async function insertMasterKey(
  client: Client,
  { generation, check, createdAt }: MasterKeyRow,
): Promise<void> {
  const insert = 'INSERT INTO master_keys VALUES ($1, $2, $3)';
  await client.query(insert, [generation, Buffer.from(check), createdAt]);
}

export async function insertKeyRow(client: Client, row: KeyRow): Promise<void> {
  const { address, wrappedKey, envelope, origin, createdAt, generation } = row;
  await client.query(
    `INSERT INTO keys (address, wrapped_key, envelope, origin, created_at, generation)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [address, Buffer.from(wrappedKey), Buffer.from(envelope), origin, createdAt, generation],
  );
}

/** Everything of another store. The audit log gets the same hashes, since it begins at the same place. */
export async function fillFrom(client: Client, source: Store): Promise<void> {
  await client.query('LOCK TABLE master_keys IN EXCLUSIVE MODE');
  const { rows } = await client.query(
    'SELECT 1 FROM master_keys UNION ALL SELECT 1 FROM audit_head WHERE seq > 0',
  );
  if (rows.length > 0) throw new StorageError('STORAGE_DUPLICATE', 'the database is not empty');
  for (const row of await source.masterKeys()) await insertMasterKey(client, row);
  for (let after = ''; ; ) {
    const page = await source.keysAfter(after, PAGE);
    for (const row of page) await insertKeyRow(client, row);
    if (page.length < PAGE) break;
    after = page.at(-1)?.address ?? '';
  }
  for (let seq = 0; ; seq += PAGE) {
    const page = await source.auditAfter(seq, PAGE);
    await append(client, page);
    if (page.length < PAGE) break;
  }
}
