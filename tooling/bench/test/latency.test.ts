import { expect, it } from 'vitest';
import { openBackend } from '../src/backends.mjs';
import { operationNames } from '../src/latency/operations.mjs';
import { machine, today } from '../src/published/machine.mjs';
import { renderPage } from '../src/published/page/page.mjs';
import { type Mode, measureLatency, modes, sameMode } from '../src/published/sections/latency.mjs';

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
