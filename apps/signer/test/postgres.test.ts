import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repetitions } from '@securemem/proof';
import { eip191Signer } from 'micro-eth-signer';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { backup } from '../src/commands/backup.js';
import { restore } from '../src/commands/restore.js';
import { verifyAuditChain } from '../src/storage/audit-chain.js';
import { PostgresStore } from '../src/storage/postgres-store.js';
import { noPostgresBecause, PostgresServer } from './postgres-server.js';
import { type Files, makeLastingFiles, problemOf, removeFiles, testService } from './service.js';
import { ServiceProcess } from './service-process.js';

const KILLS = 50;
const LANES = 4;

describe('PostgreSQL', () => {
  const unproven = noPostgresBecause();
  let server: PostgresServer;
  let files: Files;

  beforeAll(async () => {
    if (unproven !== undefined) return;
    files = makeLastingFiles();
    server = await PostgresServer.start();
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    if (files !== undefined) removeFiles(files);
  });

  function needed(ctx: TestContext): void {
    if (unproven !== undefined) ctx.skip(`not proven: ${unproven}`);
  }

  function openStore(): Promise<PostgresStore> {
    const password = (): string => readFileSync(server.passwordPath, 'utf8').trim();
    const { port } = server;
    return PostgresStore.open({
      host: '127.0.0.1',
      port,
      user: 'signer',
      database: 'postgres',
      tls: false,
      password,
    });
  }

  function replica(more: readonly string[] = []): Promise<ServiceProcess> {
    return ServiceProcess.start(files, [...server.options, '--backend', 'nolock', ...more]);
  }

  test('replicas that start at once migrate once, share their keys, and chain one audit log', {
    timeout: 120_000,
  }, async (ctx) => {
    needed(ctx);
    // The first master key ever is one replica's: the others prove theirs against it.
    const first = await replica();
    const [second, third] = await Promise.all([replica(), replica(['--signing', 'keeper'])]);
    const replicas = [first, second, third] as const;
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        replicas[at % 3]!.post('/v1/keys').then((answer) => answer.json()),
      ),
    );
    const addresses = (made as { address: string }[]).map(({ address }) => address).sort();
    for (const { url } of replicas) {
      const { keys } = (await (await fetch(`${url}/v1/keys`)).json()) as {
        keys: { address: string }[];
      };
      expect(keys.map(({ address }) => address)).toEqual(addresses);
    }
    const answers = await Promise.all(
      addresses.flatMap((address) =>
        replicas.map((one) => one.post(`/v1/keys/${address}/messages`, { text: 'x' })),
      ),
    );
    for (const answer of answers) expect(answer.status).toBe(200);
    const store = await openStore();
    expect(await verifyAuditChain(store)).toBe(12 + 36);
    await store.close();
    for (const one of replicas) {
      expect(await one.end('SIGTERM')).toBe(0);
      expect(one.stderr).not.toContain('a-password');
    }
  });

  test('a password in the address, a wrong one, and none are refused, each with its reason', {
    timeout: 60_000,
  }, async (ctx) => {
    needed(ctx);
    const wrong = {
      kind: 'postgresql',
      host: '127.0.0.1',
      port: server.port,
      user: 'signer',
      database: 'postgres',
      tls: false,
    } as const;
    await expect(
      testService({ database: { ...wrong, passwordPath: files.token } }, files),
    ).rejects.toMatchObject({
      message: expect.stringContaining('refuses the user or the password'),
    });
    await expect(
      testService({ database: { ...wrong, passwordPath: undefined } }, files),
    ).rejects.toMatchObject({
      message: expect.stringContaining('--database-password-file'),
    });
    await expect(
      testService({ database: { ...wrong, port: 1, passwordPath: server.passwordPath } }, files),
    ).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('without its server a replica is not ready and acknowledges nothing; with it again it goes on', {
    timeout: 120_000,
  }, async (ctx) => {
    needed(ctx);
    const one = await replica();
    const { address } = (await (await one.post('/v1/keys')).json()) as { address: string };
    await server.kill();
    expect((await fetch(`${one.url}/readyz`)).status).toBe(503);
    expect(await problemOf(await one.post('/v1/keys'))).toEqual({
      status: 503,
      type: 'storage-failed',
    });
    expect((await one.post(`/v1/keys/${address}/messages`, { text: 'x' })).status).toBe(503);
    await server.run();
    await expect
      .poll(async () => (await fetch(`${one.url}/readyz`)).status, { timeout: 30_000 })
      .toBe(200);
    expect((await one.post(`/v1/keys/${address}/messages`, { text: 'x' })).status).toBe(200);
    expect(await one.end('SIGTERM')).toBe(0);
  });

  test('two replicas and the server, each killed at random: no acknowledged key is lost, no audit entry is twice', {
    timeout: 60_000 + repetitions(KILLS) * 60_000,
  }, async (ctx) => {
    needed(ctx);
    const acknowledged: string[] = [];
    const signed: string[] = [];
    for (let round = 0; round < repetitions(KILLS); round++) {
      const replicas = await Promise.all([replica(), replica()]);
      // By what was done, not by the clock; and another victim each time.
      const killAfter = acknowledged.length + 3 + ((round * 7) % 11);
      let killing: Promise<unknown> | undefined;
      const kill = (): Promise<unknown> =>
        round % 3 === 0 ? server.kill() : (replicas[round % 2] as ServiceProcess).end('SIGKILL');
      // A plain proxy: to one replica, and to the other one when that does not answer.
      const post = async (
        path: string,
        body: object | undefined,
        id: string,
      ): Promise<Response | undefined> => {
        for (const one of replicas) {
          const answer = await one.post(path, body, { 'x-request-id': id }).catch(() => undefined);
          if (answer !== undefined) return answer;
        }
        return undefined;
      };
      const lane = async (name: number): Promise<void> => {
        for (let at = 0; at < 40; at++) {
          const made = await post('/v1/keys', undefined, `make-${round}-${name}-${at}`);
          if (made?.status !== 201) {
            if (killing !== undefined) return;
            continue;
          }
          const { address } = (await made.json()) as { address: string };
          acknowledged.push(address);
          if (acknowledged.length >= killAfter) killing ??= kill();
          const id = `sign-${round}-${name}-${at}`;
          const answer = await post(`/v1/keys/${address}/messages`, { text: 'x' }, id);
          if (answer?.status === 200) signed.push(id);
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, name) => lane(name)));
      await killing;
      for (const one of replicas) await one.end('SIGKILL');
      if (round % 3 === 0) await server.run();
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    const store = await openStore();
    await verifyAuditChain(store);
    await store.close();
    const one = await replica();
    for (const address of acknowledged) {
      const answer = await one.post(
        `/v1/keys/${address}/messages`,
        { text: 'here' },
        { 'x-request-id': 'after' },
      );
      const { signature } = (await answer.json()) as { signature: string };
      expect(eip191Signer.verify(signature, 'here', address)).toBe(true);
    }
    await one.end('SIGTERM');
    expect(
      server.query(
        "SELECT count(*) FROM (SELECT 1 FROM audit WHERE action = 'create' GROUP BY address HAVING count(*) > 1) twice",
      ),
    ).toBe('0');
    const written = new Set(
      server.query("SELECT request_id FROM audit WHERE request_id LIKE 'sign-%'").split('\n'),
    );
    expect(signed.filter((id) => !written.has(id))).toEqual([]);
  });

  test('a backup of a file moves into an empty database of a server, and into no other', {
    timeout: 120_000,
  }, async (ctx) => {
    needed(ctx);
    const from = makeLastingFiles();
    const local = await testService({}, from);
    const { address } = (await (await local.post('/v1/keys')).json()) as { address: string };
    const to = join(from.directory, 'backup.db');
    await backup(['--database', from.database, '--to', to]);
    await expect(restore(['--from', to, ...server.options])).rejects.toMatchObject({
      code: 'STORAGE_DUPLICATE',
    });
    server.query('CREATE DATABASE empty');
    const options = [
      '--database',
      server.url.replace(/postgres$/, 'empty'),
      '--database-password-file',
      server.passwordPath,
    ];
    expect(await restore(['--from', to, ...options])).toContain('1 keys');
    const moved = await ServiceProcess.start(from, [...options, '--backend', 'nolock']);
    expect((await moved.post(`/v1/keys/${address}/messages`, { text: 'x' })).status).toBe(200);
    await moved.end('SIGTERM');
    removeFiles(from);
  });
});
