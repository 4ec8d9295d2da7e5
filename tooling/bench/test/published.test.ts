import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCases } from '../src/cases.mjs';
import { compareRatios } from '../src/published/again.mjs';
import { withoutPlaces } from '../src/published/child.mjs';
import { groups } from '../src/published/page/groups.mjs';
import { renderPage } from '../src/published/page/page.mjs';
import { noise } from '../src/published/page/provenance.mjs';
import { endLines, failuresOf } from '../src/published/page/scale-ends.mjs';
import { unmeasuredSpeeds, untraceable } from '../src/published/page/statements.mjs';
import { bytes, digits, quantile, time } from '../src/published/page/words.mjs';
import { readResults } from '../src/published/results.mjs';
import { caseSections } from '../src/published/sections/cases.mjs';
import { sections } from '../src/published/sections/index.mjs';
import type { Limit, ScaleRun } from '../src/published/sections/scale.mjs';
import { judge } from '../src/published/sections/scale.mjs';

const root = join(import.meta.dirname, '../../..');
const docs = join(root, 'docs');
const resultsFile = join(docs, 'images/bench/results.json');
const mainFile = join(import.meta.dirname, '../src/published/main.mjs');
const page = (path: string) => readFileSync(join(root, path), 'utf8');

describe('docs/BENCHMARKS.md', () => {
  const results = readResults(resultsFile);
  const files = renderPage(results);

  it('and its pictures are what `npm run bench:report -- --render-only` makes of the results', () => {
    for (const [path, content] of files) {
      const written = existsSync(join(docs, path)) ? readFileSync(join(docs, path), 'utf8') : '';
      expect(written === content, `docs/${path} is not what its results render to`).toBe(true);
    }
    const pictures = readdirSync(join(docs, 'images/bench')).filter((name) =>
      name.endsWith('.svg'),
    );
    expect(pictures.filter((name) => !files.has(`images/bench/${name}`))).toEqual([]);
  });

  it('shows every section at its full counts, and no number that is none', () => {
    expect(Object.keys(results)).toEqual(sections.map(({ name }) => name));
    expect(Object.values(results).filter(({ quick }) => quick)).toEqual([]);
    for (const [path, content] of files) {
      expect(content.match(/NaN|undefined|Infinity|\[object/), path).toBeNull();
    }
  });

  it('D1 shows more bytes of secrets in the same pages than size classes hold, whatever their lengths', () => {
    const { runs = [] } = results.density ?? {};
    const ours = runs.filter(({ holder }) => holder === 'securemem');
    expect(ours).toHaveLength(6);
    for (const { mix, worst } of ours) {
      const others = runs.filter((run) => run.mix === mix && run.holder !== 'securemem');
      expect(Math.max(...others.map((run) => run.first)), mix).toBeLessThan(worst);
    }
  });

  it('names nothing of the machine that it was measured on but what figures depend on', () => {
    for (const content of [...files.values(), readFileSync(resultsFile, 'utf8')]) {
      expect(content.match(/\/(?:home|root|tmp|work|usr|opt)\/|file:\/\//)).toBeNull();
    }
  });

  it('measures every figure that other pages state, and what they state is near it', () => {
    expect(untraceable(results, page)).toEqual([]);
  });

  it('leaves no statement about speed in the README that nothing measures', () => {
    expect(unmeasuredSpeeds(page('README.md'), 'README.md')).toEqual([]);
    // The negative control: such a statement would be found.
    expect(unmeasuredSpeeds('It takes 12 µs, 40 % less.', 'README.md')).toEqual(['12 µs', '40 %']);
  });
});

it('untraceable() tells a page that says something else, and one that says it no more', () => {
  const results = readResults(resultsFile);
  const changed = (path: string) =>
    page(path).replace(/takes \d+ locked bytes/, 'takes 7 locked bytes');
  expect(untraceable(results, changed)).toEqual([
    expect.stringContaining('README.md says 7 for: locked bytes'),
  ]);
  const gone = (path: string) => page(path).replace(/takes \d+ locked bytes/, 'takes few bytes');
  expect(untraceable(results, gone)).toEqual([expect.stringContaining('README.md no longer says')]);
});

it('every row of the page is a case that is measured in its section', async () => {
  const cases = await loadCases();
  for (const [section, own] of Object.entries(groups)) {
    for (const { entries, reference } of own) {
      for (const { name, subject } of reference === undefined ? entries : [...entries, reference]) {
        expect(caseSections[section as keyof typeof caseSections]).toContain(name);
        const subjects = cases.find((each) => each.name === name)?.subjects ?? {};
        expect(Object.keys(subjects), name).toContain(subject);
      }
    }
  }
});

describe('judge() of a process that held secrets', () => {
  const end = { code: 0, signal: null, stdout: '', stderr: '', timedOut: false };
  const facts = { addNs: [1.234], releaseNs: [2], lockedByteLength: 65_536, mappings: 3 };
  const printed = (more: object) => ({ ...end, stdout: JSON.stringify({ ...facts, ...more }) });

  it('calls held what is locked, and unlocked what is not though nothing said so', () => {
    expect(judge(printed({}), { count: 100, locked: 32 })).toMatchObject({
      outcome: 'held',
      held: 100,
    });
    const pages = { count: 100, locked: 4096 };
    expect(judge(printed({}), pages)).toMatchObject({ outcome: 'unlocked', held: 100 });
    const more = { count: 100_000, locked: 32 };
    expect(judge(printed({}), more)).toMatchObject({ outcome: 'unlocked', held: 100_000 });
    expect(judge(printed({}), { ...more, locked: 0 })).toMatchObject({ outcome: 'held' });
  });

  it('tells a refusal from a death, and quotes the last words without a place or an address', () => {
    const refused = { held: 16, message: 'Error: mlock failed' };
    expect(judge(printed({ refused }), { count: 20, locked: 32 })).toMatchObject({
      outcome: 'refused',
      held: 16,
    });
    const stderr =
      '\n  #  node[12]: at ../src/a.cc:1\n  #  Assertion failed: !(data == nullptr)\n 1: 0xcb';
    const died = { ...end, code: null, signal: 'SIGABRT' as const, stderr };
    expect(judge(died, { count: 20, locked: 32 })).toEqual({
      outcome: 'died',
      reason: 'Assertion failed: !(data == nullptr)',
    });
  });

  it('does not take for a death what never began', () => {
    const stderr = 'file:///a/b.mjs:1\n\nError: no C compiler (cc)\n    at x';
    expect(judge({ ...end, code: 1, stderr }, { count: 20, locked: 32 })).toEqual({
      outcome: 'skipped',
      reason: 'Error: no C compiler (cc)',
    });
  });

  it('does not take a process for dead that it ended itself', () => {
    const ended = { ...end, code: null, signal: 'SIGKILL' as const, timedOut: true };
    expect(judge(ended, { count: 20, locked: 32 })).toMatchObject({ outcome: 'skipped' });
  });
});

describe('failuresOf()', () => {
  const run = (subject: string, more: Partial<ScaleRun>): ScaleRun => ({
    ...{ subject, count: 100, outcome: 'held', held: 100, reason: '' },
    ...{ lockedByteLength: 65_536, mappings: 1, addNs: [5], releaseNs: [5], ...more },
  });
  const refused = { outcome: 'refused' as const, held: 50, reason: 'ERR_X: full; mend it' };
  const limit: Limit = {
    ...{ memlock: 65_536, lockLimit: 65_536, unproven: '' },
    runs: [
      run('securemem-koffi', refused),
      run('securemem-napi', refused),
      run('sodium-native', { outcome: 'died' }),
    ],
    traces: [
      {
        subject: 'sodium-native',
        count: 100,
        held: 80,
        firstUnlocked: 17,
        end: 'SIGSEGV',
        said: '',
      },
      {
        subject: 'sodium-native',
        count: 100,
        held: 81,
        firstUnlocked: 17,
        end: 'SIGABRT',
        said: 'Oh',
      },
    ],
  };

  it('finds each point where something failed, once', () => {
    expect(failuresOf(limit).map(({ x, y, words, last }) => ({ x, y, words, last }))).toEqual([
      {
        ...{ x: 50, y: 65_536, last: true },
        words: ['securemem koffi and securemem napi', 'ERR_X, 50 held'],
      },
      {
        ...{ x: 17, y: 65_536, last: false },
        words: ['sodium-native', 'not locked from the 17th on, no error'],
      },
      {
        ...{ x: 80, y: 65_536, last: true },
        words: ['sodium-native', 'the process dies at 80 to 81: SIGSEGV, SIGABRT'],
      },
    ]);
  });

  it('has a sentence for each, with every process that was followed', () => {
    expect(endLines(limit).at(-1)).toBe(
      '- **sodium-native**: the 17th secret is returned though the kernel has locked nothing more, and without an error. ' +
        'Then the process ends, 2 of 2 times it was followed: SIGSEGV after 80; SIGABRT after 81 (`Oh`). No program can catch that.',
    );
  });
});

it('withoutPlaces() keeps what a message says and drops where', () => {
  expect(withoutPlaces("Cannot find '/home/a/b.node' from file:///x/y.mjs\nRequire stack")).toBe(
    "Cannot find 'b.node' from y.mjs",
  );
  expect(withoutPlaces('0.8 of the rate, and/or less')).toBe('0.8 of the rate, and/or less');
});

it('compareRatios() holds what is within 30 % of before, and compares nothing that was not measured', () => {
  const rows = (koffi: number) => ({
    rows: [
      { name: 'equals-32', subject: 'node-crypto', nsPerOp: [10, 20] },
      { name: 'equals-32', subject: 'securemem-koffi', nsPerOp: [10 * koffi, 20 * koffi] },
    ],
  });
  expect(compareRatios('use', rows(2), rows(2.5))).toEqual([
    { holds: true, line: 'holds  equals-32 securemem koffi: 2× then, 2.5× now' },
  ]);
  expect(compareRatios('use', rows(2), rows(3))).toMatchObject([{ holds: false }]);
});

it('words of numbers keep three digits and their units', () => {
  expect([0.5, 7, 12.34, 999.6, 1234, 5.6e6, 2e9].map(time)).toEqual([
    '0.5 ns',
    '7 ns',
    '12.3 ns',
    '1 µs',
    '1.23 µs',
    '5.6 ms',
    '2 s',
  ]);
  expect([0, 4096, 65_536, 40_828_928].map(bytes)).toEqual([
    '0 bytes',
    '4 KiB',
    '64 KiB',
    '38.9 MiB',
  ]);
  expect([0, 0.008192, 1.005, 99.96, 1636].map(digits)).toEqual([
    '0',
    '0.0082',
    '1',
    '100',
    '1,636',
  ]);
  expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
  expect(noise([[90, 100, 110]])).toBe('noise ±5 %');
  expect(noise([[90]])).toBe('noise not known');
});

it('bench:report refuses a bad option with one line and exit code 2', () => {
  for (const args of [['--only', 'nothing'], ['--minutes', '0'], ['--unknown']]) {
    const options = { encoding: 'utf8' } as const;
    const { stdout, stderr, status } = spawnSync(process.execPath, [mainFile, ...args], options);
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      status: 2,
      stdout: '',
      lines: 1,
    });
  }
});

it('hold-process says what the kernel has locked for what it holds', () => {
  const file = join(import.meta.dirname, '../src/scale/hold-process.mjs');
  const task = { subject: 'securemem-koffi', count: 200, roundsMax: 2, msMax: 0 };
  const args = ['--expose-gc', file, JSON.stringify(task)];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(0);
  const held = JSON.parse(stdout);
  expect(held).toMatchObject({ addNs: [expect.any(Number)], releaseNs: [expect.any(Number)] });
  expect(held.lockedByteLength).toBeGreaterThanOrEqual(task.count * 32);
});
