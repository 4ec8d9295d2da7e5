import { spawn, spawnSync } from 'node:child_process';
import { createHmac, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { get } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { confine, proveConfinement } from '@securemem/confined';
import { type Allocator, createAllocator, publicKey } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import mysql from 'mysql2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { get as getWithKey } from '../recipes/api-key.mjs';
import { open as openCookie, seal } from '../recipes/encrypt-data.mjs';
import { token } from '../recipes/jwt.mjs';
import { connect } from '../recipes/mysql.mjs';
import { openPool } from '../recipes/postgres.mjs';
import { clientOf } from '../recipes/redis.mjs';
import { addKey } from '../recipes/ssh-agent.mjs';
import { serve } from '../recipes/tls-server.mjs';
import { certificateIn, postgresOf, redisOf, scramble } from './servers.js';

/** What the server of the driver tells of a login. */
interface Scrambled {
  readonly authToken: Buffer;
  readonly authPluginData1: Buffer;
  readonly authPluginData2: Buffer;
}

const RECIPES = join(import.meta.dirname, '../recipes');
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/RECIPES.md'), 'utf8');
const LINES_MAX = 15;
const RUN_MS_MAX = 60_000;

function opened(): Allocator {
  const memory = createAllocator({ backend: koffiBackend() });
  onTestFinished(() => void memory.close());
  return memory;
}

const secretOf = (memory: Allocator, text: string) => {
  const bytes = new Uint8Array(new ArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  return memory.adoptSync(bytes);
};

/** A folder for the length of a test. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'securemem-recipe-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('docs/RECIPES.md', () => {
  const shown = [...PAGE.matchAll(/^```javascript\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)];

  it('shows every recipe as the tests run it', () => {
    // Test runners keep caches beside the programs.
    const programs = readdirSync(RECIPES).filter((name) => name.endsWith('.mjs'));
    expect(shown.map(([, , name]) => name).sort()).toEqual(programs.sort());
    for (const [, code, name] of shown) {
      expect(code).toBe(readFileSync(join(RECIPES, String(name)), 'utf8'));
    }
  });

  it.each(shown.map(([, code, name]) => [name, code]))('%s is short', (_, code) => {
    expect(String(code).trimEnd().split('\n').length).toBeLessThanOrEqual(LINES_MAX);
  });
});

describe('a recipe against a server', () => {
  it('sends the API key in a header', async () => {
    const memory = opened();
    const server = createServer((request, reply) => reply.end(request.headers.authorization));
    const port = await portOf(server);
    const answer = await getWithKey(secretOf(memory, 'k-1234'), `http://127.0.0.1:${port}/`);
    expect(await answer.text()).toBe('Bearer k-1234');
  });

  it('logs in to PostgreSQL, on each connection anew', async () => {
    const memory = opened();
    const passwords: string[] = [];
    const port = await portOf(createTcpServer(postgresOf(passwords)));
    const pool = openPool(secretOf(memory, 's3cret'), {
      host: '127.0.0.1',
      port,
      user: 'ada',
      max: 2,
    });
    const clients = await Promise.all([pool.connect(), pool.connect()]);
    for (const client of clients) client.release(true);
    await pool.end();
    expect(passwords).toEqual(['s3cret', 's3cret']);
  });

  it('logs in to MySQL', async () => {
    const memory = opened();
    const server = mysql.createServer((connection) => {
      connection.on('error', () => {}); // The client leaves without a farewell.
      // The scramble is of the password, so only who has it is let in.
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: '8.0.0',
        connectionId: 1,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xff_ff_ff,
        authCallback: (given: Scrambled, done: (error: unknown, refusal?: object) => void) => {
          const { authPluginData1, authPluginData2, authToken } = given;
          const salt = Buffer.concat([authPluginData1, authPluginData2]).subarray(0, 20);
          const isKnown = scramble('s3cret', salt).equals(authToken);
          done(null, isKnown ? undefined : { message: 'who is it?', code: 1045 });
        },
      } as never);
    });
    // biome-ignore lint/suspicious/noExplicitAny: the types of the driver do not know its server
    const port = await portOf((server as any)._server);
    const options = { host: '127.0.0.1', port, user: 'ada' };
    const connection = await connect(secretOf(memory, 's3cret'), options);
    connection.destroy();
    await expect(connect(secretOf(memory, 'another'), options)).rejects.toThrow();
  });

  it('logs in to Redis', async () => {
    const memory = opened();
    const commands: string[] = [];
    const port = await portOf(createTcpServer(redisOf(commands)));
    const client = clientOf(secretOf(memory, 's3cret'), `redis://127.0.0.1:${port}`);
    await client.connect();
    client.destroy();
    expect(commands.join('\n')).toMatch(/AUTH\n.*s3cret/s);
  });

  it('serves TLS with a key out of locked memory', async (ctx) => {
    const files = certificateIn(folder());
    if (files === undefined) return ctx.skip('not proven: openssl is not installed');
    const memory = opened();
    const { cert } = files;
    const server = await serve(memory, files);
    const port = await portOf(server);
    const [reply] = await once(
      get({ host: '127.0.0.1', port, ca: cert, agent: false, servername: 'localhost' }),
      'response',
    );
    expect(String((await reply.toArray())[0])).toBe('hello');
    expect(memory.stats().secrets).toBe(0);
  });

  it('gives a key to the agent of SSH', async (ctx) => {
    const agent = spawnSync('ssh-agent', ['-s'], { encoding: 'utf8' });
    if (agent.error !== undefined) ctx.skip('not proven: ssh-agent is not installed');
    const [, socket, pid] =
      agent.stdout.match(/SSH_AUTH_SOCK=([^;]+);[\s\S]*SSH_AGENT_PID=(\d+)/) ?? [];
    onTestFinished(() => void process.kill(Number(pid)));
    const before = process.env['SSH_AUTH_SOCK'];
    onTestFinished(() => {
      if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = before;
    });
    process.env['SSH_AUTH_SOCK'] = socket;
    const file = join(folder(), 'id');
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'of the recipe', '-f', file]);
    const memory = opened();
    const secret = await memory.fromFile(file);
    await addKey(secret);
    expect(spawnSync('ssh-add', ['-l'], { encoding: 'utf8' }).stdout).toContain('of the recipe');
    secret.dispose();
  });
});

describe('a recipe without a server', () => {
  it('signs a token that others verify', () => {
    const memory = opened();
    const key = memory.randomSync(32);
    const [header, claims, signature] = token(key, { sub: 'ada' }).split('.') as [
      string,
      string,
      string,
    ];
    const signed = Buffer.from(`${header}.${claims}`);
    expect(JSON.parse(String(Buffer.from(claims, 'base64url')))).toEqual({ sub: 'ada' });
    expect(
      verify(null, signed, publicKey('Ed25519', key), Buffer.from(signature, 'base64url')),
    ).toBe(true);
  });

  it('encrypts a cookie, and refuses one that was changed', async () => {
    const memory = opened();
    const key = memory.randomSync(32);
    const cookie = seal(key, { user: 'ada' });
    expect(await openCookie(key, cookie)).toEqual({ user: 'ada' });
    const changed = `${cookie[0] === 'A' ? 'B' : 'A'}${cookie.slice(1)}`;
    await expect(openCookie(key, changed)).rejects.toMatchObject({
      code: 'ERR_SECMEM_UNSEAL_FAILED',
    });
    expect(memory.stats().secrets).toBe(1);
  });

  it('N17 polls for 5,000 users under 64 KiB', { timeout: RUN_MS_MAX }, (ctx) => {
    const confinement = { memlockByteLength: 65_536, as: 'user' } as const;
    const proof = proveConfinement(confinement);
    if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
    const program = join(import.meta.dirname, 'children/poll.mjs');
    const { command, args } = confine(process.execPath, [program], confinement);
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: RUN_MS_MAX });
    expect({ stdout, stderr }).toEqual({ stdout: '5000 asked, 50 at once\n', stderr: '' });
  });

  it('answers from four worker threads', async () => {
    const keyFile = join(folder(), 'key');
    writeFileSync(keyFile, 'k'.repeat(32));
    const expected = createHmac('sha256', 'k'.repeat(32)).update('hello').digest('hex');
    for (let i = 0; i < 4; i++) {
      const workerData = { keyFile, lockedByteLengthMax: 16_384 };
      const worker = new Worker(join(RECIPES, 'worker-pool.mjs'), { workerData });
      onTestFinished(async () => void (await worker.terminate()));
      worker.postMessage('hello');
      expect(await once(worker, 'message')).toEqual([expected]);
    }
  });

  it('answers from the workers of a cluster', () => {
    const keyFile = join(folder(), 'key');
    writeFileSync(keyFile, 'k'.repeat(32));
    const expected = createHmac('sha256', 'k'.repeat(32)).update('hello').digest('hex');
    const line = [join(RECIPES, 'cluster.mjs'), keyFile];
    const { stdout, stderr } = spawnSync(process.execPath, line, {
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
    });
    expect({ stdout, stderr }).toEqual({ stdout: `${expected}\n${expected}\n`, stderr: '' });
  });

  it('asks for a password at a terminal', async (ctx) => {
    const line = `${process.execPath} ${join(RECIPES, 'password-prompt.mjs')}`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const failed = await Promise.race([once(child, 'spawn'), once(child, 'error')]);
    if (failed.length > 0) ctx.skip('not proven: script (util-linux) is not installed');
    let said = '';
    child.stdout.on('data', (chunk) => {
      if (!said.includes('Password') && String(chunk).includes('Password'))
        child.stdin.write('open sesame\n');
      said += chunk;
    });
    await once(child, 'close');
    expect(said).toMatch(/32/);
    expect(said).not.toContain('sesame');
  });

  it('is a test that Vitest runs', { timeout: RUN_MS_MAX }, () => {
    const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
    // A configuration of its own, or the one of this repository would be found.
    const config = join(folder(), 'vitest.config.mjs');
    writeFileSync(config, "export default { test: { include: ['*.test.mjs'] } };");
    const args = [vitest, 'run', '--root', RECIPES, '--config', config];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toMatch(/1 passed/);
  });
});
