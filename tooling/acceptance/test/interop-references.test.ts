import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { napiBackend } from '@securemem/napi';
import { childLimits, repetitions } from '@securemem/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeOf, type Release } from '../src/nodes.js';
import { identities } from '../src/references/identities.mjs';

const LONG = { timeout: 600_000 };
const program = (name: string) =>
  new URL(`../src/references/${name}.mjs`, import.meta.url).pathname;
const full = repetitions(10) === 10;

const backend = napiBackend();
const missing = backend.capabilities.keyReferences === 'none';
backend[Symbol.dispose]();

const found = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

describe.skipIf(missing)('K6 references in the hands of others', () => {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-interop-'));
  let server: ChildProcess;
  let ports: Record<keyof typeof identities, number>;

  beforeAll(async () => {
    server = spawn(process.execPath, [program('serve')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(server.stdout as NodeJS.ReadableStream);
    const [line] = (await once(lines, 'line')) as [string];
    ports = JSON.parse(line);
  });
  afterAll(async () => {
    const exit = once(server, 'exit');
    server.stdin?.end();
    await exit;
    rmSync(directory, { recursive: true });
  });

  /** One connection of `openssl s_client`, which asks for a page and verifies the certificate. */
  function client(type: keyof typeof identities, version: string, ...more: string[]): string {
    const certificate = join(directory, `${type}.pem`);
    writeFileSync(certificate, identities[type].certificate);
    const to = ['-connect', `127.0.0.1:${ports[type]}`, '-servername', 'localhost'];
    const trust = ['-CAfile', certificate, '-verify_return_error', '-verify_hostname', 'localhost'];
    const options = {
      ...childLimits(),
      encoding: 'utf8',
      input: 'GET / HTTP/1.0\r\n\r\n',
    } as const;
    const args = ['s_client', ...to, ...trust, `-${version}`, '-ign_eof', ...more];
    const { stdout, stderr, status } = spawnSync('openssl', args, options);
    expect({ status, verified: /Verify return code: 0 \(ok\)/.test(stdout), stderr }).toMatchObject(
      {
        status: 0,
        verified: true,
      },
    );
    return stdout;
  }

  it.for(['P-256', 'P-384', 'Ed25519', 'RSA'] as const)(
    'K6 openssl s_client shakes hands with %s by TLS 1.2 and 1.3, and resumes both',
    LONG,
    (type, ctx) => {
      ctx.skip(!found('openssl'), 'not proven: no openssl (Debian: openssl)');
      for (const version of ['tls1_2', 'tls1_3']) {
        const session = join(directory, `${type}-${version}`);
        const first = client(type, version, '-sess_out', session);
        expect(first).toContain(`hello by ${type}`);
        expect(first).toMatch(/^New, TLSv1/m);
        const again = client(type, version, '-sess_in', session);
        expect(again).toContain(`hello by ${type}`);
        expect(again).toMatch(/^Reused, TLSv1/m);
      }
    },
  );

  it('K6 Chromium shakes hands with it', LONG, (ctx) => {
    const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(found);
    if (browser === undefined) return ctx.skip('not proven: no browser (Debian: chromium)');
    for (const type of full ? (['P-256', 'P-384', 'RSA'] as const) : (['P-256'] as const)) {
      const url = `https://127.0.0.1:${ports[type]}/`;
      const profile = `--user-data-dir=${join(directory, `browser-${type}`)}`;
      const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--ignore-certificate-errors'];
      const args = [...flags, profile, '--dump-dom', url];
      const { stdout } = spawnSync(browser, args, { ...childLimits(), encoding: 'utf8' });
      expect(stdout).toContain(`hello by ${type}`);
    }
  });
});

describe.skipIf(missing)('K6 libraries that take keys', () => {
  const RELEASES = (full ? [20, 22, 24, 26] : [20, 24]) as readonly Release[];
  it.for(RELEASES)(
    'K6 jose and jsonwebtoken sign with it, unchanged, on Node %i',
    LONG,
    (release, ctx) => {
      const node = nodeOf(release);
      if ('missing' in node) return ctx.skip(`not proven: ${node.missing}`);
      const options = { ...childLimits(), encoding: 'utf8' } as const;
      const ran = spawnSync(node.program, [program('interop')], options);
      expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
      const seen = JSON.parse(ran.stdout) as Record<string, unknown>;
      const expected = Object.fromEntries(Object.keys(seen).map((name) => [name, 'ada']));
      expect(seen).toEqual(expected);
      expect(Object.keys(seen)).toHaveLength(release >= 24 ? 9 : 4);
    },
  );
});

describe.skipIf(missing)('K6 many handshakes', () => {
  it(
    'K6 fifty at once succeed, and heap, descriptors and locked pages stay as they are',
    LONG,
    () => {
      const count = repetitions(1000);
      const args = ['--expose-gc', program('storm'), String(count), '50'];
      const ran = spawnSync(process.execPath, args, { ...childLimits(), encoding: 'utf8' });
      expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
      const { done, failures, start, end } = JSON.parse(ran.stdout);
      expect({ done, failures }).toEqual({ done: count, failures: [] });
      expect(end.descriptors).toBe(start.descriptors);
      expect(end.locked).toBeLessThanOrEqual(start.locked);
      expect(end.heapUsed).toBeLessThan(start.heapUsed + 4 * 2 ** 20);
    },
  );
});
