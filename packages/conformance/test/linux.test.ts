import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { linuxEvidence, renderReport, runConformance } from '../src/index.js';
import { open } from './subjects/pretender.mjs';

const module = new URL('subjects/pretender.mjs', import.meta.url);

/** What a backend without real memory can only claim. Everything that it does do, it does well. */
const CLAIMED_ONLY = [
  'cipher-protection',
  'dump-core-file',
  'dump-flag',
  'environment-exact',
  'environment-misuse',
  'environment-taken',
  'error-advice-refused',
  'error-lock-denied',
  'error-protect-refused',
  'fork-child',
  'fork-flag',
  'inspect-asks',
  'inspect-true',
  'keys-leave-nothing',
  'keys-protection',
  'limit-bites',
  'limit-in-force',
  'limit-numbers',
  'limit-raise',
  'limit-zero',
  'lock-figure',
  'lock-released',
  'lock-survives-protect',
  'lock-whole-region',
  'map-guards',
  'protect-io',
  'protect-no-access',
  'protect-read-only',
  'protect-whole-region',
  'unmap-wipes',
];

/** Processes that this one started and that still run. */
function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  );
}

describe.runIf(process.platform === 'linux')('evidence from Linux', () => {
  it('rejects every claim of a backend that has nothing but claims', async (context) => {
    // A directory of its own, since other runs may be leaving and removing things in the common one.
    const temporary = mkdtempSync(join(tmpdir(), 'conformance-'));
    vi.stubEnv('TMPDIR', temporary);
    const before = children();
    const report = await runConformance({ open, module, evidence: linuxEvidence(module), seed: 1 });
    expect(children().filter((pid) => !before.includes(pid))).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    rmdirSync(temporary);
    vi.unstubAllEnvs();
    const failed = report.results.filter(({ outcome }) => outcome === 'failed');
    const notProven = report.results.filter(({ outcome }) => outcome === 'not proven');
    if (notProven.length > 0) {
      context.skip(
        `not proven: ${notProven.map(({ id, reason }) => `${id}, ${reason}`).join('; ')}`,
      );
    }
    // What becomes of the heap of a thread that ended is up to the allocator of the engine.
    const ids = failed.map(({ id }) => id).filter((id) => id !== 'thread-exit');
    expect(ids.toSorted()).toEqual(CLAIMED_ONLY);
    expect(renderReport(report)).toContain('pretender: BREAKS THE CONTRACT');
  }, 120_000);

  it('finds a region by its content and knows its addresses from other numbers', async () => {
    const evidence = linuxEvidence(module);
    const backend = open();
    const region = backend.map(4096);
    const place = await evidence.locate(backend, region, 4096);
    expect(await evidence.isInside(place, Number(place.handle) + 17)).toBe(true);
    expect(await evidence.isInside(place, region)).toBe(false);
    backend.write(region, 3, new Uint8Array([1, 2, 3]));
    expect(await evidence.content(place, 2, 4)).toEqual(Buffer.from([0, 1, 2, 3]));
    backend[Symbol.dispose]();
    await evidence.close();
  });
});
