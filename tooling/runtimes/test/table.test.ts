import { describe, expect, it } from 'vitest';
import { judge, withTaken } from '../src/results.mjs';
import { ELSEWHERE, here, RUNTIMES } from '../src/runtimes.mjs';
import { renderTable } from '../src/table.mjs';

const asked = RUNTIMES.find(({ evidence }) => evidence === 'system');
const emulated = RUNTIMES.find(({ evidence }) => evidence === 'none');
if (asked === undefined || emulated === undefined) throw new Error('no runtimes to judge with');

function report(passed: number, failedIds: readonly string[], notProven: number) {
  const results = failedIds.map((id) => ({ id, outcome: 'failed' }));
  return { report: { results, passed, failed: failedIds.length, notProven } } as never;
}

describe('judge', () => {
  it('calls verified only what passed where somebody else was asked', () => {
    expect(judge(report(75, [], 0), asked)).toEqual({ state: 'verified', reason: '' });
    expect(judge(report(33, [], 42), emulated)).toMatchObject({ state: 'load-tested' });
  });

  it('names what does not hold, and why nothing could be run', () => {
    const broken = judge(report(74, ['thread-exit'], 0), emulated);
    expect(broken).toMatchObject({
      state: 'fails',
      reason: expect.stringContaining('thread-exit'),
    });
    const absent = judge({ unavailable: 'no binary' }, asked);
    expect(absent).toEqual({ state: 'not verified', reason: 'no binary' });
  });

  it('says how much could not be tested of what is verified', () => {
    expect(judge(report(70, [], 5), asked).reason).toContain('5 could not be tested');
  });
});

describe('renderTable', () => {
  it('has a row for every runtime, says what was not run, and numbers each reason once', () => {
    const cell = { commit: 'abc1234', date: '2026-01-01', judged: '' };
    const state = 'not verified' as const;
    const table = renderTable({
      [asked.id]: {
        napi: { ...cell, state, reason: 'one | reason' },
        koffi: { ...cell, state, reason: 'one | reason' },
        ffi: { ...cell, state: 'verified', reason: '' },
        nolock: { ...cell, state: 'verified', reason: '' },
      },
    });
    const row = table.split('\n').find((line) => line.includes(asked.name));
    expect(row).toBe(
      `| ${asked.name} | not verified [1] | not verified [1] | verified | verified | abc1234, 2026-01-01 |`,
    );
    expect(table).toContain('1. one / reason');
    for (const { name } of RUNTIMES) expect(table).toContain(name);
    expect(table).toContain('not run');
  });
});

describe('a result from elsewhere', () => {
  const cell = {
    state: 'load-tested',
    reason: 'why',
    commit: 'abc1234',
    date: '2026-01-01',
    judged: 'x',
  };
  const mac = ELSEWHERE.find(
    ({ target }) => target === 'darwin-arm64',
  ) as (typeof ELSEWHERE)[number];
  const found = { [mac.id]: { napi: cell, koffi: cell, ffi: cell, nolock: cell } };

  it('makes the row that says until then why nobody knows', () => {
    const rowOf = (table: string) => table.split('\n').find((line) => line.includes(mac.name));
    expect(rowOf(renderTable({}))).toMatch(/^\| macOS arm64 \| not verified \[\d+\] \|.*\|\s+\|$/);
    const taken = withTaken({}, JSON.stringify(found));
    expect(rowOf(renderTable(taken))).toMatch(
      /^\| macOS arm64 \| load-tested \[\d+\] .*\| abc1234, 2026-01-01 \|$/,
    );
  });

  it('is refused when it is of no row, or says what the suite never says', () => {
    const taking = (id: string, change: object) => () =>
      withTaken({}, JSON.stringify({ [id]: { napi: { ...cell, ...change } } }));
    expect(taking('node20', {})).toThrow('there is no row for node20');
    for (const change of [{ state: 'excellent' }, { commit: '<b>' }, { date: 'today | x' }]) {
      expect(taking(mac.id, change)).toThrow('is no result of the suite');
    }
  });

  it('is of the Node and the system that ran it', () => {
    const runtime = here();
    expect(runtime.program).toBe(process.execPath);
    expect(runtime.target).toBe(`${process.platform}-${process.arch}`);
    expect(runtime.evidence).toBe(process.platform === 'linux' ? 'system' : 'none');
  });
});
