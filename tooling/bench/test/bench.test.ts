import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Case, Measurement } from '../src/case.d.mts';
import { loadCases, select } from '../src/cases.mjs';
import { markdown } from '../src/markdown.mjs';
import { judge, median, summarise } from '../src/ratios.mjs';
import { report } from '../src/report.mjs';
import { calibrate, measureRound } from '../src/rounds.mjs';

const mainFile = fileURLToPath(new URL('../src/main.mjs', import.meta.url));
const open = () => ({ run() {} });

const cases: Case[] = [
  {
    name: 'read',
    what: 'a read',
    subjects: { ours: open, theirs: open },
    targets: [
      { subject: 'ours', atMost: [{ times: 2, name: 'read', subject: 'theirs' }] },
      {
        subject: 'ours',
        atMost: [
          { times: 1, name: 'toggle', subject: 'ours' },
          { times: 1.5, name: 'read', subject: 'theirs' },
        ],
      },
    ],
  },
  { name: 'read-twice', what: 'two reads', subjects: { ours: open }, targets: [] },
  { name: 'toggle', what: 'a toggle', subjects: { ours: open, bare: open }, targets: [] },
];

const measurements: Measurement[] = [
  { name: 'read', subject: 'ours', nsPerOp: [10, 100, 30] },
  { name: 'read', subject: 'theirs', nsPerOp: [10, 50, 10] },
  { name: 'toggle', subject: 'ours', nsPerOp: [5, 25, 15] },
];

const [first, second] = cases[0]?.targets ?? [];

it('select() takes cases by the beginning of their names, and the references of their targets', () => {
  const { chosen, pairs } = select(cases, 'read');
  expect(chosen.map(({ name }) => name)).toEqual(['read', 'read-twice']);
  expect(pairs.map(({ name, subject }) => `${name} ${subject}`)).toEqual([
    'read ours',
    'read theirs',
    'read-twice ours',
    'toggle ours',
  ]);
});

it('every target of every case compares subjects that exist', async () => {
  const all = await loadCases();
  for (const { name, subjects, targets } of all) {
    for (const { subject, atMost } of targets) {
      expect(Object.keys(subjects), name).toContain(subject);
      for (const term of atMost) {
        const reference = all.find((each) => each.name === term.name);
        expect(Object.keys(reference?.subjects ?? {}), name).toContain(term.subject);
      }
    }
  }
});

describe('judge()', () => {
  it('takes the ratio within each round, then the median', () => {
    // Ratios 1, 2 and 3 of what twice the reference allows; the medians alone would say 30 / 20.
    expect(judge('read', first!, measurements)).toEqual({
      share: 1,
      shareMin: 0.5,
      shareMax: 1.5,
      met: true,
    });
  });

  it('adds up the terms of a target', () => {
    expect(judge('read', second!, measurements)).toEqual({
      share: 1,
      shareMin: 0.5,
      shareMax: 1,
      met: true,
    });
  });

  it('misses a target by any excess, and judges nothing that was not measured', () => {
    const slower = [
      { name: 'read', subject: 'ours', nsPerOp: [21, 101, 21] },
      ...measurements.slice(1),
    ];
    expect(judge('read', first!, slower)).toMatchObject({ met: false });
    expect(judge('read', first!, measurements.slice(1))).toBeUndefined();
  });
});

it('median() of an even number is between the middle two, and leaves its argument alone', () => {
  const values = [4, 1, 3, 2];
  expect(median(values)).toBe(2.5);
  expect(values).toEqual([4, 1, 3, 2]);
});

it('summarise() gives the median, the extremes and the number of rounds', () => {
  expect(summarise({ name: 'read', subject: 'ours', nsPerOp: [3, 1, 2.123456] })).toEqual({
    name: 'read',
    subject: 'ours',
    nsPerOpMedian: 2.12,
    nsPerOpMin: 1,
    nsPerOpMax: 3,
    runs: 3,
  });
});

it('report() tells a ratio as the target tells it, and what could not be measured', () => {
  const faster: Case = {
    ...cases[0]!,
    targets: [{ subject: 'theirs', atMost: [{ times: 1 / 2, name: 'read', subject: 'ours' }] }],
  };
  const unavailable = [{ name: 'read', subject: 'other', reason: 'not installed\n  at open' }];
  expect(report([faster], { measurements, unavailable })).toBe(
    [
      'read: a read',
      '  ours                        30.0 ns   10.0 to 100 in 3 rounds',
      '  theirs                      10.0 ns   10.0 to 50.0 in 3 rounds',
      '  other                 not measured: not installed',
      '  met     theirs at least 2 times faster than ours: 2.00 times (1.00 to 3.00)',
    ].join('\n'),
  );
});

it('markdown() has a column for each backend and names what they are compared with', () => {
  const measured = [
    { name: 'read', subject: 'securemem-koffi', nsPerOp: [1234] },
    { name: 'read', subject: 'bare', nsPerOp: [12.3] },
  ];
  expect(markdown(cases.slice(0, 1), measured).split('\n')).toEqual([
    '| name | operation | koffi | napi | compared with |',
    '| --- | --- | --- | --- | --- |',
    '| `read` | a read | 1.2 µs | – | bare 12 ns |',
  ]);
});

describe('calibrate()', () => {
  it('performs whole units, never more than the most, and settles before each run', async () => {
    const counts: number[] = [];
    let settled = 0;
    const loop = {
      countUnit: 50,
      countMax: 200,
      run: (count: number) => void counts.push(count),
      settle: () => {
        settled += 1;
      },
    };
    const count = await calibrate(loop);
    expect(count).toBe(200);
    expect(counts.every((each) => each % 50 === 0 && each <= 200)).toBe(true);
    expect(settled).toBe(counts.length);
  });

  it('gives a slow operation one run of one', async () => {
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 8));
    const loop = { run: async () => await pause() };
    expect(await calibrate(loop)).toBe(1);
    expect(await measureRound(loop, 1)).toBeGreaterThan(7e6);
  });
});

it('bench --only NAME --json prints the array and nothing else', () => {
  const args = ['--only', 'protect-pair', '--rounds', '2', '--json'];
  const { stdout, status } = spawnSync(process.execPath, [mainFile, ...args], { encoding: 'utf8' });
  expect(status).toBe(0);
  const rows = JSON.parse(stdout);
  const koffi = rows.find((row: { subject: string }) => row.subject === 'securemem-koffi');
  expect(koffi).toMatchObject({ name: 'protect-pair', runs: 2 });
  expect(koffi.nsPerOpMin).toBeGreaterThan(0);
  expect(koffi.nsPerOpMax).toBeGreaterThanOrEqual(koffi.nsPerOpMin);
});

it('bench refuses a bad option with one line and exit code 2', () => {
  for (const args of [['--rounds', '0'], ['--only', 'nothing-like-it'], ['--unknown']]) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [mainFile, ...args], {
      encoding: 'utf8',
    });
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      status: 2,
      stdout: '',
      lines: 1,
    });
  }
});
