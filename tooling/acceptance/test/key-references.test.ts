import { spawn } from 'node:child_process';
import { createHash, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { napiBackend } from '@securemem/napi';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { scanFor } from '../src/needle-scan.js';
import { nodeOf, type Release } from '../src/nodes.js';
import { runProgram } from '../src/program.js';
import { CALLS, cellOf, endOf } from '../src/references/call-table.mjs';
import { identities } from '../src/references/identities.mjs';

const program = (name: string) =>
  new URL(`../src/references/${name}.mjs`, import.meta.url).pathname;
const LONG = { timeout: 300_000 };
const full = repetitions(10) === 10;

const backend = napiBackend();
const missing = backend.capabilities.keyReferences === 'none';
backend[Symbol.dispose]();

/** What a program said last, once it ended well. */
async function said(name: string, ...args: (string | number)[]): Promise<Record<string, unknown>> {
  const {
    code,
    signal,
    said: lines,
    stderr,
  } = await runProgram([program(name), ...args.map(String)]);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return lines.at(-1) ?? {};
}

interface Seen {
  readonly served: Record<string, number>;
  readonly failures: string[];
}

describe.skipIf(missing)('K6 a key that is only a reference', () => {
  it(
    'K6 ordinary keys of every type work as before where OpenSSL answers requests for them with our provider',
    LONG,
    async () => {
      const { seen, after } = (await said('danger', full ? 10 : 1)) as {
        seen: Record<string, Seen>;
        after: string[];
      };
      expect(Object.values(seen).flatMap(({ failures }) => failures)).toEqual([]);
      expect(after).toEqual([]);
      // The danger is there: requests for ordinary keys are answered with ours, when a reference comes first.
      expect(seen['after a flush']?.served['securemem']).toBeGreaterThan(0);
    },
  );

  it('K6 TLS servers and clients shake hands with it, and not after its end', LONG, async () => {
    const seen = await said('tls', full ? 250 : 3);
    const refused = Object.entries(seen).filter(([name]) => name.endsWith('after its end'));
    const rest = { ...seen };
    for (const [name] of refused) delete rest[name];
    const mismatch = { 'certificate of another key': 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' };
    const expected = Object.fromEntries(Object.keys(rest).map((name) => [name, 'yes']));
    expect(rest).toEqual({ ...expected, ...mismatch });
    expect(Object.keys(rest)).toHaveLength(14);
    for (const [name, how] of refused)
      expect([name, how]).toEqual([name, expect.stringMatching(/^refused ERR_/)]);
  });

  const RELEASES = [20, 22, 24, 26] as const;
  it.for(full ? RELEASES : RELEASES.slice(0, 1))(
    'K6 each call ends on Node %i as the page on keys says',
    LONG,
    (release, ctx) => {
      const node = nodeOf(release);
      if ('missing' in node) return ctx.skip(`not proven: ${node.missing}`);
      const page = readFileSync(new URL('../../../docs/KEYS.md', import.meta.url), 'utf8');
      const [, table = ''] = page.split(/.*reference-calls:.*\n/);
      const [head = [], , ...rows] = table
        .trim()
        .split('\n')
        .map((line) => line.split('|').map((cell) => cell.trim()));
      const column = head.indexOf(`Node ${release}`);
      expect(column).toBeGreaterThan(0);
      const told = new Map(
        rows.map((cells) => [(cells[1] ?? '').replaceAll('`', ''), cells[column]]),
      );
      // In a usual run those that end a process somewhere, with one type.
      const chosen = full ? CALLS : CALLS.filter(([name]) => /JWK|p1363|asymmetric/.test(name));
      for (const [name, types] of chosen) {
        const ends = (full ? types : types.slice(0, 1)).map(
          (type) => [type, endOf(type, name, node.program)] as const,
        );
        if (full) expect([name, cellOf(ends)]).toEqual([name, told.get(name)]);
        else expect(told.get(name)).toContain(cellOf(ends));
      }
      expect([...told.keys()]).toEqual(CALLS.map(([name]) => name));
    },
  );

  it.each(['dispose', 'purge', 'close', 'write', 'terminate'])(
    'K7 threads that sign when it ends by %s are refused with a reason, and nothing crashes',
    LONG,
    async (how) => {
      const ended = await said('ends', full ? 25_000 : 300, how);
      expect(ended['bad']).toBe(0);
      expect(Number(ended['done']) + Number(ended['refused'])).toBe(ended['asked']);
      expect(ended['stats']).toBe(3);
      if (how === 'terminate') {
        expect(ended).toMatchObject({
          refused: 0,
          after: { 'P-256': 'signed', Ed25519: 'signed', RSA: 'signed' },
        });
        return;
      }
      expect(ended).toMatchObject({ left: 0 });
      for (const reason of Object.values(ended['after'] as object))
        expect(reason).toMatch(/^ERR_OSSL_/);
    },
  );
});

/** What a number looks like in memory: as it is written, and as limbs of a machine; words of it the other way round. */
function formsOf(name: string, bytes: Buffer) {
  const swapped = (width: number) => {
    const turned = Buffer.from(bytes);
    for (let at = 0; at + width <= turned.length; at += width)
      turned.subarray(at, at + width).reverse();
    return turned;
  };
  const forms = [bytes, Buffer.from(bytes).reverse(), swapped(4), swapped(8)];
  return forms.flatMap((form, i) =>
    [form.subarray(0, 16), form.subarray(-16)].map((end, j) => ({
      name: `${name} ${i}${j}`,
      row: '',
      form: 'verbatim' as const,
      bytes: Buffer.from(end),
      inPage: i === 0,
    })),
  );
}

function needlesOf(type: keyof typeof identities) {
  const jwk = createPrivateKey(identities[type].key).export({ format: 'jwk' });
  const names = type === 'RSA' ? (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) : (['d'] as const);
  const numbers = names.flatMap((name) =>
    formsOf(name, Buffer.from(jwk[name] as string, 'base64url')),
  );
  if (type !== 'Ed25519') return numbers;
  const digest = createHash('sha512')
    .update(Buffer.from(jwk.d as string, 'base64url'))
    .digest();
  return [
    ...numbers,
    ...formsOf('expanded', digest.subarray(0, 32)),
    ...formsOf('prefix', digest.subarray(32)),
  ];
}

/** Copies in locked pages and outside, of all needles together; and what the process had in use after a tenth of its work, and at the end. */
async function copies(program_: string, type: keyof typeof identities, how = '') {
  const counts = full ? ['5000', '2500'] : ['200', '3'];
  const args = ['--expose-gc', program('used'), type, ...counts, how];
  const child = spawn(program_, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exit = once(child, 'exit');
  try {
    const { said: used, start, end } = JSON.parse((await lines.next()).value);
    expect(used).toBe('used');
    const needles = needlesOf(type);
    const count = () => {
      const found = [...scanFor(child.pid as number, needles).values()];
      return {
        inPage: found.filter(({ inPage }) => inPage > 0).length,
        outside: found.filter(({ outside }) => outside > 0).length,
      };
    };
    const held = count();
    child.stdin.write('end\n');
    expect(JSON.parse((await lines.next()).value)).toEqual({ said: 'ended' });
    return { held, ended: count(), start, end };
  } finally {
    child.kill('SIGKILL');
    await exit;
  }
}

/** In a usual run every type on one Node, and one type on another; in a full run all on all. */
const SCANNED = (full ? ([20, 22, 24, 26] as const) : ([20] as const))
  .flatMap((release) =>
    (['P-256', 'P-384', 'Ed25519', 'RSA'] as const).map((type): [string, Release, typeof type] => [
      `${type} on Node ${release}`,
      release,
      type,
    ]),
  )
  .concat(full ? [] : [['RSA on Node 24', 24, 'RSA']]);

describe.skipIf(missing)('K5 copies of a key under a reference', () => {
  it.for(SCANNED)(
    'K5 after signatures on all threads and handshakes %s is in its page and nowhere else, in no form, and gone with it; nothing grows',
    { timeout: 1_800_000 },
    async ([, release, type], ctx) => {
      const node = nodeOf(release);
      if ('missing' in node) return ctx.skip(`not proven: ${node.missing}`);
      const { held, ended, start, end } = await copies(node.program, type);
      expect(held.inPage).toBeGreaterThan(0);
      expect(held.outside).toBe(0);
      expect(ended).toEqual({ inPage: 0, outside: 0 });
      expect(end.descriptors).toBe(start.descriptors);
      expect(end.heapUsed).toBeLessThan(start.heapUsed + 4 * 2 ** 20);
    },
  );

  it('K5 control: a key of node:crypto is found', LONG, async () => {
    const { held } = await copies(process.execPath, 'RSA', 'ordinary');
    expect(held.outside).toBeGreaterThan(0);
  });
});
