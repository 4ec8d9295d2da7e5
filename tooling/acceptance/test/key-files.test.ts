import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { programOf } from '../src/backends.mjs';
import {
  FORMS,
  type KeyCase,
  type Needle,
  needlesOf,
  PASSPHRASE,
  writeKeyCases,
} from '../src/key-cases.js';
import { scanFor } from '../src/needle-scan.js';
import { ended, needs, runScenario } from '../src/run-scenario.js';

const CONTROL = '`createPrivateKey` of `node:crypto`, of a file';
const READER = new URL('../src/key-reader.mjs', import.meta.url).pathname;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-key-cases-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const DOCUMENT = readFileSync(new URL('../../../docs/COPIES.md', import.meta.url), 'utf8');
const TABLE = (DOCUMENT.split('\n## Key files\n')[1]?.split('\n## ')[0] ?? '').split('\n');

/** What was found outside the page, as the lines of the table in `docs/COPIES.md`. */
function tableOf(needles: readonly Needle[], found: ReturnType<typeof scanFor>): string[] {
  return [...new Set(needles.map(({ row }) => row))].map((row) => {
    const cells = FORMS.map((form) => {
      const own = needles.filter((needle) => needle.row === row && needle.form === form);
      if (own.length === 0) return '';
      const outside = own.some(({ name }) => (found.get(name)?.outside ?? 0) > 0);
      return outside ? '1 or more' : 'none';
    });
    return `| ${[row, ...cells].join(' | ')} |`;
  });
}

/** A process that takes the keys, once it holds them all. */
async function readerOf(
  context: TestContext,
  backend: string,
  folder: string,
  cases: readonly KeyCase[],
) {
  const passphrase = join(folder, 'passphrase');
  const list = join(folder, 'list');
  writeFileSync(passphrase, PASSPHRASE);
  writeFileSync(list, JSON.stringify({ passphrase, cases }));
  const child = spawn(programOf(backend), [READER, backend, list], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = await heard(child);
  if (said === 'no keys') context.skip(`not proven: ${backend} uses no keys on this machine`);
  expect(said).toBe('held');
  return child;
}

async function heard(child: ChildProcess): Promise<string> {
  const [said] = await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(([code]) => [`it ended with code ${code}`]),
  ]);
  return String(said).trim();
}

// Of napi the mode whose pages a scan can see.
describe.each(['koffi', 'napi-mlock', 'ffi'])('K5 key files, %s', (backend) => {
  it('K5 another process finds the private part in its page and nowhere else, and then nowhere', async (context) => {
    needs(context, backend);
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
    const folder = newFolder();
    const { cases, needles } = writeKeyCases(folder);
    const child = await readerOf(context, backend, folder, cases);
    const held = scanFor(child.pid as number, needles);
    const wanted = needles.map(({ name, inPage }) => [
      name,
      { inPage: inPage ? 1 : 0, outside: 0 },
    ]);
    expect([...held]).toEqual(wanted);
    expect(TABLE).toEqual(expect.arrayContaining(tableOf(needles, held)));
    child.stdin?.write('\n');
    expect(await heard(child)).toBe('gone');
    const gone = scanFor(child.pid as number, needles);
    expect([...gone].filter(([, count]) => count.inPage + count.outside > 0)).toEqual([]);
    child.stdin?.write('\n');
    await once(child, 'exit');
  }, 120_000);
});

it.for(['koffi', 'napi'])(
  'K4 key files leave nothing where every page of 64 KiB is taken, and are taken once there is room, %s',
  async (backend, context) => {
    const run = await runScenario(context, 'key-files:underQuota', backend, { memlock: 65_536 });
    const outcome = {
      atOnce: 'ERR_SECMEM_LOCK_LIMIT',
      waiting: 1,
      aborted: 'ENOUGH',
      untouched: true,
    };
    expect(ended(run)).toEqual({
      pages: 16,
      limit: 'ERR_SECMEM_LOCK_LIMIT',
      outcomes: [outcome, outcome],
      waitingAfter: 0,
      taken: ['Ed25519', 'RSA'],
      left: 0,
    });
  },
);

it('K5 control: the same keys in node:crypto are found, those of a number backwards', async (context) => {
  needs(context, 'koffi');
  context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
  const folder = newFolder();
  const keys = {
    'P-256': generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
    Ed25519: generateKeyPairSync('ed25519').privateKey,
    RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  };
  const cases = Object.entries(keys).map(([name, key]): KeyCase => {
    const path = join(folder, name);
    writeFileSync(path, key.export({ format: 'pem', type: 'pkcs8' }));
    return { name, door: 'fromPem', path, how: 'node:crypto', refused: false, encrypted: false };
  });
  const needles = Object.entries(keys).flatMap(([name, key]) => [
    ...needlesOf({ name, row: CONTROL }, key.export({ format: 'jwk' }), false),
  ]);
  const child = await readerOf(context, 'koffi', folder, cases);
  const cut = needles.map((needle) => ({ ...needle, bytes: needle.bytes.subarray(16, 48) }));
  const found = scanFor(child.pid as number, cut);
  for (const name of ['P-256: d backwards', 'Ed25519: d', 'RSA: p backwards', 'RSA: q backwards']) {
    expect([name, (found.get(name)?.outside ?? 0) > 0]).toEqual([name, true]);
  }
  expect(TABLE.some((line) => line.startsWith(`| ${CONTROL} | 1 or more | 1 or more |`))).toBe(
    true,
  );
}, 60_000);
