import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { linuxEvidence, renderReport, runConformance } from '../src/index.js';
import { open } from './subjects/pretender.mjs';

const module = new URL('subjects/pretender.mjs', import.meta.url);

/** What a backend without real memory can only claim. Everything that it does do, it does well. */
const CLAIMED_ONLY = [
  'cipher-protection',
  'dump-core-file',
  'dump-flag',
  'error-advice-refused',
  'error-lock-denied',
  'error-protect-refused',
  'fork-child',
  'fork-flag',
  'inspect-asks',
  'inspect-true',
  'limit-bites',
  'limit-in-force',
  'limit-numbers',
  'limit-raise',
  'limit-zero',
  'lock-figure',
  'lock-survives-protect',
  'lock-whole-region',
  'map-guards',
  'protect-io',
  'protect-no-access',
  'protect-read-only',
  'protect-whole-region',
  'unmap-wipes',
];

/** Core directories of the suite, whose names hold the random part, and processes that this one started. */
function leftovers(): Set<string> {
  const cores = readdirSync(tmpdir()).filter((name) => name.startsWith('securemem-core-'));
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  );
  return new Set([...cores, ...children]);
}

describe.runIf(process.platform === 'linux')('evidence from Linux', () => {
  it('rejects every claim of a backend that has nothing but claims', async (context) => {
    const before = leftovers();
    const report = await runConformance({ open, module, evidence: linuxEvidence(module), seed: 1 });
    expect([...leftovers()].filter((name) => !before.has(name))).toEqual([]);
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
});
