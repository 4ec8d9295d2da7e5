import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../src/storage/database.js';
import { KeyTable } from '../src/storage/key-table.js';
import { MIGRATIONS } from '../src/storage/migrations.js';
import { makeFiles, problemOf, testService } from './service.js';

function row(address = `0x${randomBytes(20).toString('hex')}`) {
  return {
    address,
    wrappedKey: new Uint8Array(60),
    envelope: new Uint8Array(1_024),
    origin: 'created' as const,
    createdAt: new Date(0).toISOString(),
  };
}

/** Runs SQL on the file behind the service's back. */
function behindItsBack(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

describe('openDatabase()', () => {
  test('makes a database, and opens it again with what was in it', () => {
    const { database: path } = makeFiles();
    const first = openDatabase(path);
    new KeyTable(first).insert(row());
    first.close();
    const second = openDatabase(path);
    expect(new KeyTable(second).count()).toBe(1);
    expect(second.pragma('user_version')).toEqual([{ user_version: MIGRATIONS.length }]);
    expect(second.pragma('journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    second.close();
  });

  test('refuses a database of a newer program', () => {
    const { database: path } = makeFiles();
    openDatabase(path).close();
    behindItsBack(path, `PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'STORAGE_NEWER' }));
  });

  test('refuses a file that is no database, a damaged one, and a directory that is not there', () => {
    const { directory, database: path } = makeFiles();
    const noise = join(directory, 'noise');
    writeFileSync(noise, randomBytes(8_192));
    expect(() => openDatabase(noise)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
    const good = openDatabase(path);
    const keys = new KeyTable(good);
    for (let at = 0; at < 50; at++) keys.insert(row());
    good.pragma('wal_checkpoint(TRUNCATE)');
    good.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 8_192, 20_480));
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
    truncateSync(path, 10_000);
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }));
    const nowhere = join(directory, 'nowhere', 'keys.db');
    expect(() => openDatabase(nowhere)).toThrow(
      expect.objectContaining({ code: 'STORAGE_UNAVAILABLE' }),
    );
  });
});

describe('KeyTable', () => {
  test('insert() on a full database throws, and nothing is half-written', () => {
    const { database: path } = makeFiles();
    const database = openDatabase(path, { pagesMax: 16 });
    const keys = new KeyTable(database);
    let stored = 0;
    const fill = (): void => {
      for (; stored < 1_000; stored++) keys.insert(row());
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'STORAGE_FULL' }));
    expect(stored).toBeGreaterThan(0);
    expect(keys.count()).toBe(stored);
    database.close();
    const again = openDatabase(path);
    expect(new KeyTable(again).count()).toBe(stored);
    again.close();
  });

  test('insert() while another process holds the database throws STORAGE_LOCKED and stores nothing', () => {
    const { database: path } = makeFiles();
    const database = openDatabase(path);
    const keys = new KeyTable(database);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    expect(() => keys.insert(row())).toThrow(expect.objectContaining({ code: 'STORAGE_LOCKED' }));
    other.exec('ROLLBACK');
    other.close();
    expect(keys.count()).toBe(0);
    keys.insert(row());
    database.close();
  });

  test('insert() of an address that is there throws STORAGE_DUPLICATE and leaves the first', () => {
    const database = openDatabase(makeFiles().database);
    const keys = new KeyTable(database);
    const first = row();
    keys.insert(first);
    const second = { ...first, envelope: new Uint8Array(1_024).fill(1) };
    expect(() => keys.insert(second)).toThrow(
      expect.objectContaining({ code: 'STORAGE_DUPLICATE' }),
    );
    expect(Buffer.from(keys.find(first.address)!.envelope)).toEqual(Buffer.alloc(1_024));
    database.close();
  });

  test('list() gives pages in the order of addresses', () => {
    const database = openDatabase(makeFiles().database);
    const keys = new KeyTable(database);
    const addresses = Array.from({ length: 25 }, () => row()).map((entry) => {
      keys.insert(entry);
      return entry.address;
    });
    const listed: string[] = [];
    for (;;) {
      const page = keys.list(listed.at(-1) ?? '', 10);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(10);
      listed.push(...page.map(({ address }) => address));
    }
    expect(listed).toEqual(addresses.sort());
    database.close();
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
