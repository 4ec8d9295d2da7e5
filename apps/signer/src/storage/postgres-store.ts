import pg from 'pg';
import { withPostgresErrors } from './postgres-error.js';
import {
  append,
  fillFrom,
  insertKeyRow,
  insertMasterKey,
  migrate,
  requireNewest,
} from './postgres-statements.js';
import { entryOf, masterKeyOf, type RowColumns, recordOf, rowOf } from './rows.js';
import { StorageError } from './storage-error.js';
import type {
  AuditEntry,
  AuditRecord,
  KeyEntry,
  KeyRow,
  MasterKeyRow,
  Rewrapped,
  Store,
} from './store.js';

export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Checks the server's certificate against the system's authorities. */
  readonly tls: boolean;
  /** Gives the password as the one string that the client needs, for each connection anew. */
  readonly password: () => string;
}

/** Connections of one replica. Signing needs none: it waits for one commit of the audit log, which it shares. */
const CONNECTIONS_MAX = 4;
/** Milliseconds until a connection, a statement and a lock are given up. */
const CONNECT_MS_MAX = 5_000;
const STATEMENT_MS_MAX = 10_000;
const LOCK_MS_MAX = 8_000;

/**
 * Keys and audit log on a server, for several replicas. Nothing is repeated behind a client's back: a connection that
 * ends during a commit is an error, whatever became of the commit, so nothing that failed is acknowledged and nothing
 * is there twice.
 */
export class PostgresStore implements Store {
  readonly kind = 'postgresql';
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Connects and brings the database to the current version. Rejects with StorageError; nothing stays open then. */
  static async open(options: PostgresOptions): Promise<PostgresStore> {
    const { host, port, user, database, tls, password } = options;
    const pool = new pg.Pool({
      ...{ host, port, user, database, password },
      ssl: tls ? { rejectUnauthorized: true } : false,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: STATEMENT_MS_MAX + LOCK_MS_MAX,
      statement_timeout: STATEMENT_MS_MAX,
      lock_timeout: LOCK_MS_MAX,
      idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
      application_name: 'securemem-signer',
      // Whatever the server's default is: an answer means that it is on its disk.
      options: '-c synchronous_commit=on',
    });
    // An idle connection that ends is replaced at the next query, which says so if it cannot be.
    pool.on('error', () => {});
    const store = new PostgresStore(pool);
    try {
      await store.#transaction(migrate);
      return store;
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  async masterKeys(): Promise<readonly MasterKeyRow[]> {
    const rows = await this.#all('SELECT * FROM master_keys ORDER BY generation DESC');
    return rows.map(masterKeyOf);
  }

  addMasterKey(row: MasterKeyRow): Promise<void> {
    return this.#transaction(async (client) => {
      await client.query('LOCK TABLE master_keys IN EXCLUSIVE MODE');
      await insertMasterKey(client, row);
    });
  }

  retireMasterKeysBefore(generation: number): Promise<void> {
    return this.#transaction(async (client) => {
      // Nobody stores a key meanwhile: whoever does so reads this table under a lock first.
      await client.query('LOCK TABLE master_keys IN EXCLUSIVE MODE');
      const left = 'SELECT 1 FROM keys WHERE generation < $1 LIMIT 1';
      const { rowCount } = await client.query(left, [generation]);
      if ((rowCount ?? 0) > 0) {
        throw new StorageError('STORAGE_ROTATED', 'a key is under an older master key');
      }
      await client.query('DELETE FROM master_keys WHERE generation < $1', [generation]);
    });
  }

  insertKey(row: KeyRow, entry: AuditEntry): Promise<void> {
    return this.#transaction(async (client) => {
      await requireNewest(client, row.generation);
      await insertKeyRow(client, row);
      await append(client, [entry]);
    });
  }

  async findKey(address: string): Promise<KeyRow | undefined> {
    const [row] = await this.#all('SELECT * FROM keys WHERE address = $1', address);
    return row === undefined ? undefined : rowOf(row);
  }

  async listKeys(after: string, limit: number): Promise<readonly KeyEntry[]> {
    const select =
      'SELECT address, origin, created_at FROM keys WHERE address > $1 ORDER BY address LIMIT $2';
    return (await this.#all(select, after, limit)).map(entryOf);
  }

  async keysAfter(after: string, limit: number): Promise<readonly KeyRow[]> {
    const select = 'SELECT * FROM keys WHERE address > $1 ORDER BY address LIMIT $2';
    return (await this.#all(select, after, limit)).map(rowOf);
  }

  rewrap(rows: readonly Rewrapped[], generation: number): Promise<void> {
    return this.#transaction(async (client) => {
      await requireNewest(client, generation);
      const update = 'UPDATE keys SET wrapped_key = $1, generation = $2 WHERE address = $3';
      for (const { address, wrappedKey } of rows) {
        await client.query(update, [Buffer.from(wrappedKey), generation, address]);
      }
    });
  }

  appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    return this.#transaction((client) => append(client, entries));
  }

  async auditAfter(seq: number, limit: number): Promise<readonly AuditRecord[]> {
    const select = 'SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2';
    return (await this.#all(select, seq, limit)).map(recordOf);
  }

  async auditHead(): Promise<{ readonly seq: number; readonly hash: string }> {
    const [row] = await this.#all('SELECT seq, hash FROM audit_head');
    return { seq: Number(row?.['seq']), hash: String(row?.['hash']) };
  }

  /** A server that follows another one answers, and takes no write. */
  async check(): Promise<void> {
    const [row] = await this.#all(
      "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS refuses",
    );
    if (row?.['refuses'] === false) return;
    throw new StorageError('STORAGE_UNAVAILABLE', 'the database server takes no writes');
  }

  /** Takes everything over from another store into an empty database, all or nothing. */
  fill(source: Store): Promise<void> {
    return this.#transaction((client) => fillFrom(client, source));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #all(sql: string, ...values: readonly unknown[]): Promise<RowColumns[]> {
    const result = await withPostgresErrors(() => this.#pool.query(sql, [...values]));
    return result.rows as RowColumns[];
  }

  async #transaction(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    return withPostgresErrors(async () => {
      const client = await this.#pool.connect();
      // A connection whose transaction did not end in order is not used again.
      let broken: Error | undefined;
      const fail = (error: Error): void => {
        broken = error;
      };
      client.on('error', fail);
      try {
        await client.query('BEGIN');
        await work(client);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(fail);
        throw error;
      } finally {
        client.off('error', fail);
        client.release(broken);
      }
    });
  }
}
