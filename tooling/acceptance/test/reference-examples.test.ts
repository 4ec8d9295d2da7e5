import { spawn, spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { napiBackend } from '@securemem/napi';
import { childLimits } from '@securemem/proof';
import jsonwebtoken from 'jsonwebtoken';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
  type TestContext,
} from 'vitest';
import { nodeOf } from '../src/nodes.js';
import { identities } from '../src/references/identities.mjs';
import { CertifyingPostgres, noPostgresBecause } from '../src/references/postgres.js';
import { scanPicture } from '../src/references/scan-picture.js';

const LONG = { timeout: 300_000 };
const example = (name: string) =>
  new URL(`../../../examples/${name}.mjs`, import.meta.url).pathname;

const backend = napiBackend();
const missing = backend.capabilities.keyReferences === 'none';
backend[Symbol.dispose]();

const directory = mkdtempSync(join(tmpdir(), 'securemem-examples-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A file with this text. */
function fileOf(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** The Node that takes references in a KeyObject. */
function nodeWithKeyObjects(ctx: TestContext): string {
  const node = nodeOf(24);
  if ('missing' in node) return ctx.skip(`not proven: ${node.missing}`);
  return node.program;
}

/** An example that runs, the first thing that it said, and how it ends. */
async function started(node: string, name: string, ...args: string[]) {
  const child = spawn(node, [example(name), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  const [said] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => [`ended with ${code}`]),
  ])) as [string];
  const exit = once(child, 'exit');
  const end = async (signal?: NodeJS.Signals) => {
    if (signal === undefined) child.stdin.end();
    else child.kill(signal);
    return await exit;
  };
  return { said, pid: child.pid as number, end };
}

/** What the scan says of a process, without the size of what it looked through. */
function scanned(key: string, pid: number): string {
  const args = [example('scan'), key, String(pid)];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    ...childLimits(),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^looked through [1-9]\d* MiB for \d+ forms/);
  return stdout.split('\n')[1] ?? '';
}

const IN_ONE_PAGE = 'in locked pages: 1, elsewhere: 0';

describe.skipIf(missing)('K6 examples of references, and where the key is', () => {
  const keys: Record<string, string> = {};
  beforeAll(() => {
    for (const [type, { key }] of Object.entries(identities)) keys[type] = fileOf(type, key);
  });

  it('K6 https-key.mjs serves, with its key in one page', LONG, async () => {
    const { certificate: ca } = identities['P-256'];
    const key = keys['P-256'] as string;
    const server = await started(process.execPath, 'https-key', key, fileOf('https.crt', ca));
    for (let i = 0; i < 20; i++) {
      const [response] = await once(get(server.said, { ca, agent: false }), 'response');
      response.resume();
      await once(response, 'end');
      expect(response.statusCode).toBe(200);
    }
    const scan = scanned(key, server.pid);
    expect(scan).toBe(IN_ONE_PAGE);
    expect(await server.end('SIGTERM')).toEqual([0, null]);
    // The picture of the README is of this run: `npx vitest run --project acceptance reference-examples -u` draws it anew.
    const source = readFileSync(example('https-key'), 'utf8').split('\n');
    const from = source.findIndex((line) => line.startsWith('const memory'));
    const code = source.slice(from, source.indexOf(');', from) + 1);
    const typed = ['$ node https-key.mjs key.pem cert.pem &', '$ node scan.mjs key.pem $!'];
    const picture = scanPicture(code, [...typed, scan]);
    await expect(picture).toMatchFileSnapshot('../../../docs/images/key-reference.svg');
  });

  it(
    'K6 jwt-issuer.mjs gives tokens that verify by the key that it publishes',
    LONG,
    async (ctx) => {
      const key = keys['P-256'] as string;
      const issuer = await started(nodeWithKeyObjects(ctx), 'jwt-issuer', key);
      const published = await fetch(`${issuer.said}/.well-known/jwks.json`);
      const { keys: jwks } = (await published.json()) as { keys: [object] };
      const verifier = createPublicKey({ key: jwks[0] as never, format: 'jwk' });
      for (let i = 0; i < 20; i++) {
        const token = await (await fetch(issuer.said)).text();
        expect(jsonwebtoken.verify(token, verifier)).toMatchObject({ sub: 'ada' });
      }
      expect(scanned(key, issuer.pid)).toBe(IN_ONE_PAGE);
      expect(await issuer.end('SIGTERM')).toEqual([0, null]);
    },
  );

  it('K6 api-client.mjs proves who it is to an API by RS256', LONG, async (ctx) => {
    const key = keys['RSA'] as string;
    const node = nodeWithKeyObjects(ctx);
    const verifier = createPublicKey(identities.RSA.key);
    const api = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const assertion = new URLSearchParams(body).get('assertion') ?? '';
      const { iss } = jsonwebtoken.verify(assertion, verifier, { algorithms: ['RS256'] }) as {
        iss: string;
      };
      response.end(JSON.stringify({ access_token: `token of ${iss}` }));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void api.close());
    await once(api, 'listening');
    const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/token`;
    const client = await started(node, 'api-client', key, url);
    expect(client.said).toBe('got token of agent@example');
    expect(scanned(key, client.pid)).toBe(IN_ONE_PAGE);
    expect(await client.end()).toEqual([0, null]);
  });

  it('K6 postgres-key.mjs logs in to PostgreSQL by its certificate', LONG, async (ctx) => {
    const reason = noPostgresBecause();
    ctx.skip(reason !== undefined, `not proven: ${reason}`);
    const key = keys['P-256'] as string;
    const { certificate } = identities['P-256'];
    const server = await CertifyingPostgres.start('localhost', identities.RSA, certificate);
    onTestFinished(() => server.stop());
    const files = [
      fileOf('user.crt', certificate),
      fileOf('server.crt', identities.RSA.certificate),
    ];
    const client = await started(process.execPath, 'postgres-key', key, ...files, server.url);
    expect(client.said).toBe('logged in as localhost');
    expect(scanned(key, client.pid)).toBe(IN_ONE_PAGE);
    expect(await client.end()).toEqual([0, null]);
  });

  it('K6 control: the scan finds the key of a server that has it as usual', LONG, async () => {
    const { key, certificate } = identities['P-256'];
    const source = `
      const key = ${JSON.stringify(key)}, cert = ${JSON.stringify(certificate)};
      require('node:https').createServer({ key, cert }).listen(0, () => console.log('listening'));
      process.stdin.resume().once('end', () => process.exit());
    `;
    const child = spawn(process.execPath, ['-e', source], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(createInterface(child.stdout), 'line');
    const found = /elsewhere: (\d+)/.exec(scanned(keys['P-256'] as string, child.pid as number));
    expect(Number(found?.[1])).toBeGreaterThan(0);
  });
});
