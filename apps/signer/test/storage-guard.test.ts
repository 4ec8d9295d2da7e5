import {
  appendFileSync,
  copyFileSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import Database from 'libsql';
import { describe, expect, test } from 'vitest';
import { makeFiles, problemOf, type TestService, testService } from './service.js';

async function createKey(service: TestService): Promise<Response> {
  return service.post('/v1/keys');
}

/** Moves what is in the log into the file itself, as SQLite does from time to time. */
function checkpoint(path: string): void {
  const database = new Database(path);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

type Harm = (path: string, other: string) => void;

/** `other` is an older copy of the database. */
const HARMS: readonly (readonly [string, Harm])[] = [
  ['deleted', (path) => rmSync(path)],
  ['deleted with its log', (path) => ['', '-wal', '-shm'].map((end) => rmSync(`${path}${end}`))],
  ['left without its log', (path) => rmSync(`${path}-wal`)],
  ['moved away', (path) => renameSync(path, `${path}.away`)],
  [
    'replaced by a copy of itself',
    (path) => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
  ['overwritten by noise', (path) => writeFileSync(path, Buffer.alloc(40_960, 0xa5))],
  ['overwritten but for its head', (path) => overwriteAfter(path, 4_096)],
  ['emptied', (path) => truncateSync(path, 0)],
  ['cut short', (path) => truncateSync(path, 12_288)],
  ['overwritten by an older copy', (path, other) => copyFileSync(other, path)],
];

function overwriteAfter(path: string, at: number): void {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0x5a, at));
}

describe('KS4 the service on a database file that was', () => {
  test.each(HARMS)(
    '%s acknowledges nothing, says 503 storage-failed, and is not ready',
    async (_, harm) => {
      const files = makeFiles();
      const service = await testService({}, files);
      const { address } = (await (await createKey(service)).json()) as { address: string };
      const older = `${files.database}.older`;
      checkpoint(files.database);
      copyFileSync(files.database, older);
      for (let at = 0; at < 20; at++) expect((await createKey(service)).status).toBe(201);
      checkpoint(files.database);
      expect((await fetch(`${service.url}/readyz`)).status).toBe(200);

      harm(files.database, older);

      expect(await problemOf(await createKey(service))).toEqual({
        status: 503,
        type: 'storage-failed',
      });
      const signed = await service.post(`/v1/keys/${address}/messages`, { text: 'x' });
      expect(signed.status).toBe(503);
      const ready = await fetch(`${service.url}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ ready: false, state: 'unsealed' });
      const said = service.running.log.after(0).filter(({ kind }) => kind === 'not-ready');
      expect(said.length).toBeGreaterThan(0);
      expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    },
  );

  test('touched, linked, read, and written to by another service goes on', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    const second = await testService({}, files);
    expect((await createKey(service)).status).toBe(201);
    utimesSync(files.database, new Date(), new Date());
    linkSync(files.database, `${files.database}.link`);
    expect((await createKey(service)).status).toBe(201);
    for (let at = 0; at < 10; at++) {
      expect((await createKey(at % 2 === 0 ? service : second)).status).toBe(201);
    }
    checkpoint(files.database);
    expect((await createKey(service)).status).toBe(201);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  test('put back is used again', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    renameSync(files.database, `${files.database}.away`);
    expect((await createKey(service)).status).toBe(503);
    renameSync(`${files.database}.away`, files.database);
    expect((await createKey(service)).status).toBe(201);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });

  test('added to at its end is read again, and goes on', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    appendFileSync(files.database, Buffer.alloc(4_096));
    expect((await createKey(service)).status).toBe(201);
  });
});
