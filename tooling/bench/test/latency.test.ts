import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openBackend } from '../src/backends.mjs';
import { operationNames } from '../src/latency/operations.mjs';
import { machine, today } from '../src/published/machine.mjs';
import { renderPage } from '../src/published/page/page.mjs';
import { type Mode, measureLatency, modes, sameMode } from '../src/published/sections/latency.mjs';

const processFile = join(import.meta.dirname, '../src/latency/latency-process.mjs');

/** Whole processes are started, and the machine may be busy: this only ends what would never end. */
const msMax = 300_000;

const pooled = (subject: string) => subject !== 'buffer' && subject !== 'securemem-nolock';

/** Whether this machine can be asked about a subject at all, by other means than what is tested. */
async function opensHere(subject: string): Promise<boolean> {
  if (subject === 'buffer') return true;
  try {
    (await openBackend(subject))[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

it('M16 bench:report measures p50 and p99 of each operation on each backend in each mode, and the locked bytes of a secret', {
  timeout: msMax,
}, async (ctx) => {
  const opened: Mode[] = [];
  for (const mode of modes) if (await opensHere(mode.subject)) opened.push(mode);
  const data = await measureLatency({ quick: true, msMax, show() {} });

  for (const mode of opened) {
    const what = `${mode.subject} ${mode.atRest}`;
    const rows = data.latencies.filter((each) => sameMode(each, mode));
    expect(
      rows.map(({ operation }) => operation),
      what,
    ).toEqual([...operationNames]);
    for (const { operation, p50Ns, p99Ns } of rows) {
      expect(p50Ns.length, `${what} ${operation}`).toBe(1);
      expect(p50Ns[0], `${what} ${operation}`).toBeGreaterThan(0);
      expect(p99Ns[0], `${what} ${operation}`).toBeGreaterThanOrEqual(p50Ns[0] ?? Number.NaN);
    }
    const [locked, ...more] = data.locked.filter((each) => sameMode(each, mode));
    expect(more, what).toEqual([]);
    // The bytes themselves and what little a pool needs beside them; ordinary memory is not locked at all.
    const [low, high] = pooled(mode.subject) ? [32, 80] : [0, 0];
    expect(locked?.bytesPerSecret, what).toBeGreaterThanOrEqual(low);
    expect(locked?.bytesPerSecret, what).toBeLessThanOrEqual(high);
  }
  const absent = modes.filter((mode) => !opened.includes(mode));
  expect(data.missing.map(({ subject, operation }) => `${subject} ${operation}`)).toEqual(
    absent.flatMap(({ subject }) => operationNames.map((name) => `${subject} ${name}`)),
  );

  const provenance = { date: today(), machine: machine(), loadBefore: 0, loadAfter: 0 };
  const page = renderPage({ latency: { ...provenance, quick: true, ...data } });
  const [, table = ''] = /^(\| backend \|.*?)\n\n/ms.exec(page.get('BENCHMARKS.md') ?? '') ?? [];
  const rows = table.split('\n').slice(2);
  expect(rows.length).toBe(modes.length);
  expect(rows.filter((row) => /cannot|NaN|undefined/.test(row)).length).toBe(absent.length);
  expect(page.get('images/bench/latency.svg')).toContain('Single operations');
  if (!opened.some(({ subject }) => pooled(subject))) {
    ctx.skip('not proven: no backend that locks memory opens here');
  }
});

it('M16 the process of a subject counts what the kernel locks, and says why nothing was measured', (ctx) => {
  const tell = (task: object) => {
    const args = ['--expose-gc', processFile, JSON.stringify({ samples: 20, ...task })];
    return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
  };
  const locked = ['securemem-koffi', 'securemem-napi']
    .map((subject) => tell({ subject, atRest: 'accessible', secrets: 1 }).lockedByteLengthPerSecret)
    .filter((byteLength) => byteLength !== undefined);
  // A secret alone has a page to itself: far beyond what each of a thousand may take.
  for (const byteLength of locked) expect(byteLength).toBeGreaterThanOrEqual(4096);
  const { operations, failed } = tell({
    subject: 'securemem-nolock',
    atRest: 'no-access',
    secrets: 1,
  });
  expect(operations).toEqual({});
  expect(Object.keys(failed)).toEqual([...operationNames]);
  expect(failed.read).toContain('ERR_SECMEM_NOT_SUPPORTED');
  if (locked.length === 0) ctx.skip('not proven: no backend that locks memory opens here');
});

it('M16 the page says of what could not be measured that it cannot, and why', () => {
  const mode = { subject: 'securemem-napi', atRest: 'no-access' } as const;
  const row = { ...mode, operation: 'read', p50Ns: [500, 700, 600], p99Ns: [2000, 900, 3000] };
  const latencies = [{ ...row, together: 10 }];
  const missing = [{ ...mode, operation: 'seal', reason: 'no key' }];
  const locked = [{ ...mode, bytesPerSecret: 61.44 }];
  const provenance = { date: today(), machine: machine(), loadBefore: 0, loadAfter: 0 };
  const latency = {
    ...provenance,
    quick: true,
    samples: 5,
    secrets: 9,
    latencies,
    locked,
    missing,
  };
  const page = renderPage({ latency }).get('BENCHMARKS.md');
  expect(page).toContain(
    "| napi | `'no-access'` | cannot | 600 ns / 2 µs (10) | cannot | cannot | 61.4 |",
  );
  expect(page).toContain('Not measured: seal, napi, no-access: no key.');
});
