import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { verifyAuditChain } from '../src/storage/audit-chain.js';
import { MIGRATIONS } from '../src/storage/migrations.js';
import { SqliteStore } from '../src/storage/sqlite-store.js';
import type { AuditEntry, KeyRow } from '../src/storage/store.js';
import { makeFiles, problemOf, testService } from './service.js';

function row(address = `0x${randomBytes(20).toString('hex')}`): KeyRow {
  return {
    address,
    wrappedKey: new Uint8Array(60),
    envelope: new Uint8Array(1_024),
    origin: 'created',
    createdAt: new Date(0).toISOString(),
    generation: 1,
  };
}

function entry(address: string): AuditEntry {
  const at = new Date(0).toISOString();
  return { requestId: 'r', at, action: 'create', address, digest: '', who: 'test' };
}

/** A store with its first master key; it closes itself with the test. */
async function makeStore(path: string, options = {}): Promise<SqliteStore> {
  const store = new SqliteStore(path, options);
  onTestFinished(() => store.close().catch(() => {}));
  const known = await store.masterKeys();
  if (known.length === 0) {
    await store.addMasterKey({ generation: 1, check: new Uint8Array(60), createdAt: 'now' });
  }
  return store;
}

async function insert(store: SqliteStore, key = row()): Promise<string> {
  await store.insertKey(key, entry(key.address));
  return key.address;
}

/** Runs SQL on the file behind the service's back. */
function behindItsBack(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

describe('SqliteStore', () => {
  test('makes a file for its owner only, and opens it again with what was in it', async () => {
    const { database: path } = makeFiles();
    const first = new SqliteStore(path);
    await first.addMasterKey({ generation: 1, check: new Uint8Array(60), createdAt: 'now' });
    await insert(first);
    await first.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const second = await makeStore(path);
    expect(await second.countKeys()).toBe(1);
    expect(await second.auditAfter(0, 10)).toHaveLength(1);
  });

  test('brings a database of the first version to this one, with its keys and its master key', async () => {
    const { database: path } = makeFiles();
    const old = new Database(path);
    old.exec(MIGRATIONS[0] as string);
    old.exec('PRAGMA user_version = 1');
    old.exec(`INSERT INTO vault VALUES (1, zeroblob(60), 'then')`);
    const { address } = row();
    old.exec(
      `INSERT INTO keys VALUES ('${address}', zeroblob(60), zeroblob(1024), 'created', 'then')`,
    );
    old.close();
    const store = await makeStore(path);
    expect(await store.masterKeys()).toMatchObject([{ generation: 1, createdAt: 'then' }]);
    expect(await store.findKey(address)).toMatchObject({ generation: 1 });
    await insert(store);
  });

  test('refuses a database of a newer program', async () => {
    const { database: path } = makeFiles();
    await new SqliteStore(path).close();
    behindItsBack(path, `PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    expect(() => new SqliteStore(path)).toThrow(expect.objectContaining({ code: 'STORAGE_NEWER' }));
  });

  test('refuses a file that is no database, a damaged one, and a directory that is not there', async () => {
    const { directory, database: path } = makeFiles();
    const noise = join(directory, 'noise');
    writeFileSync(noise, randomBytes(8_192));
    const corrupt = expect.objectContaining({ code: 'STORAGE_CORRUPT' });
    expect(() => new SqliteStore(noise)).toThrow(corrupt);
    const good = await makeStore(path);
    for (let at = 0; at < 50; at++) await insert(good);
    await good.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 8_192, 40_960));
    expect(() => new SqliteStore(path)).toThrow(corrupt);
    truncateSync(path, 10_000);
    expect(() => new SqliteStore(path)).toThrow(corrupt);
    const nowhere = join(directory, 'nowhere', 'keys.db');
    const unavailable = expect.objectContaining({ code: 'STORAGE_UNAVAILABLE' });
    expect(() => new SqliteStore(nowhere)).toThrow(unavailable);
    expect(() => new SqliteStore(directory)).toThrow(unavailable);
  });

  test('insertKey() on a full database rejects, leaves nothing half-written, and check() knows', async () => {
    const { database: path } = makeFiles();
    const store = await makeStore(path, { pagesMax: 24 });
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (; stored < 1_000; stored++) await insert(store);
    };
    const full = { code: 'STORAGE_FULL' };
    await expect(fill()).rejects.toMatchObject(full);
    expect(stored).toBeGreaterThan(0);
    expect(await store.countKeys()).toBe(stored);
    await expect(store.check()).rejects.toMatchObject(full);
    await store.close();
    const again = await makeStore(path);
    expect(await again.countKeys()).toBe(stored);
    expect(await verifyAuditChain(again)).toBe(stored);
  });

  test('insertKey() while another process holds the database rejects with STORAGE_LOCKED and stores nothing', async () => {
    const { database: path } = makeFiles();
    const store = await makeStore(path);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(insert(store)).rejects.toMatchObject({ code: 'STORAGE_LOCKED' });
    await store.check();
    other.exec('ROLLBACK');
    other.close();
    expect(await store.countKeys()).toBe(0);
    await insert(store);
  });

  test('insertKey() of an address that is there rejects with STORAGE_DUPLICATE and leaves the first', async () => {
    const store = await makeStore(makeFiles().database);
    const first = row();
    await insert(store, first);
    const second = { ...first, envelope: new Uint8Array(1_024).fill(1) };
    await expect(insert(store, second)).rejects.toMatchObject({ code: 'STORAGE_DUPLICATE' });
    expect(Buffer.from((await store.findKey(first.address))!.envelope)).toEqual(
      Buffer.alloc(1_024),
    );
    expect(await verifyAuditChain(store)).toBe(1);
  });

  test('insertKey() under a master key that is not the newest rejects with STORAGE_ROTATED', async () => {
    const store = await makeStore(makeFiles().database);
    await store.addMasterKey({ generation: 2, check: new Uint8Array(60), createdAt: 'now' });
    await expect(insert(store)).rejects.toMatchObject({ code: 'STORAGE_ROTATED' });
    await insert(store, { ...row(), generation: 2 });
  });

  test('listKeys() gives pages in the order of addresses', async () => {
    const store = await makeStore(makeFiles().database);
    const addresses: string[] = [];
    for (let at = 0; at < 25; at++) addresses.push(await insert(store));
    const listed: string[] = [];
    for (;;) {
      const page = await store.listKeys(listed.at(-1) ?? '', 10);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(10);
      listed.push(...page.map(({ address }) => address));
    }
    expect(listed).toEqual(addresses.sort());
  });
});

describe('the service on its database', () => {
  test('does not open under another master key, and stores nothing under it', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    await service.post('/v1/keys');
    await service.running.close();
    writeFileSync(files.masterKey, randomBytes(32));
    await expect(testService({}, files)).rejects.toMatchObject({ slug: 'wrong-master-key' });
    const sealed = await testService({ sealed: true }, files);
    const refused = await sealed.post('/v1/vault/unseal');
    expect(await problemOf(refused)).toEqual({ status: 403, type: 'wrong-master-key' });
    expect(await problemOf(await sealed.post('/v1/keys'))).toEqual({ status: 503, type: 'sealed' });
  });

  test.each(['in-process', 'keeper'] as const)(
    'refuses a master key of another length or none at all (%s)',
    async (signing) => {
      const files = makeFiles();
      for (const length of [0, 31, 33]) {
        writeFileSync(files.masterKey, randomBytes(length));
        await expect(testService({ signing }, files)).rejects.toMatchObject({ slug: 'bad-key' });
      }
      const masterKeySource = { kind: 'file', path: join(files.directory, 'absent') } as const;
      const absent = testService({ signing, masterKeySource }, files);
      await expect(absent).rejects.toMatchObject({ slug: 'bad-key' });
    },
  );

  test('answers a damaged row and a row in another place with key-damaged, and goes on', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    const create = async (): Promise<string> =>
      ((await (await service.post('/v1/keys')).json()) as { address: string }).address;
    const [damaged, moved, whole] = [await create(), await create(), await create()];
    behindItsBack(
      files.database,
      `UPDATE keys SET envelope = zeroblob(1024) WHERE address = '${damaged}'`,
    );
    const other = `(SELECT wrapped_key FROM keys WHERE address = '${whole}')`;
    behindItsBack(
      files.database,
      `UPDATE keys SET wrapped_key = ${other} WHERE address = '${moved}'`,
    );
    const sign = (address: string) => service.post(`/v1/keys/${address}/messages`, { text: 'x' });
    expect(await problemOf(await sign(damaged!))).toEqual({ status: 500, type: 'key-damaged' });
    expect(await problemOf(await sign(moved!))).toEqual({ status: 500, type: 'key-damaged' });
    expect((await sign(whole!)).status).toBe(200);
  });

  test('answers a locked database with 503 and Retry-After', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    const other = new Database(files.database);
    other.exec('BEGIN IMMEDIATE');
    const response = await service.post('/v1/keys');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await problemOf(response)).toEqual({ status: 503, type: 'storage-locked' });
    other.exec('ROLLBACK');
    other.close();
    expect((await service.post('/v1/keys')).status).toBe(201);
  });
});
