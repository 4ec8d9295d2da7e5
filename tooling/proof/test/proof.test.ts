import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fullRunVariable, repetitions } from '../src/index.mjs';
import { closingLines, type Outcome, subjectOf, tally } from '../src/tally.mjs';

const mainFile = fileURLToPath(new URL('../src/main.mjs', import.meta.url));
const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url));

function outcome(state: Outcome['state'], more: Partial<Outcome> = {}): Outcome {
  return { project: 'core', file: 'a.test.ts', name: 'M1 a', state, durationMs: 1, ...more };
}

function runFixtures(...args: string[]) {
  const result = spawnSync(process.execPath, [mainFile, '--root', fixtures, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { ...result, lines: result.stdout.trimEnd().split('\n') };
}

/** Whether a process does more than wait for somebody to ask how it ended. */
function isRunning(pid: number) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(`${fixtures}/.cache`, { recursive: true, force: true });
});

describe('main', () => {
  it('ends with the counts and with what was proved, and fails for failures and silent skips', () => {
    const { lines, status } = runFixtures();
    expect(lines.at(-2)).toBe('1 passed, 3 failed, 1 skipped');
    expect(lines.at(-1)).toBe('proved 1, not proven 1: no such device (1)');
    expect(status).toBe(1);
    const proof = JSON.parse(readFileSync(`${fixtures}/.cache/proof.json`, 'utf8'));
    expect(proof.notProven).toMatchObject([{ reason: 'no such device', subject: 'koffi' }]);
    expect(proof.failed).toHaveLength(3);
  });

  it('prints failures in full, with what the file printed', () => {
    const { stdout, stderr } = runFixtures();
    expect(stdout + stderr).toMatch(/expected 'got' to be 'wanted'/);
    expect(stdout + stderr).toMatch(/this file does not load/);
    expect(stdout).toMatch(/printed by a failing file/);
  });

  it('names the file that stands still, says where its processes are, and ends them', () => {
    const root = `${fixtures}/stuck`;
    const { lines, status } = runFixtures('--root', root, '--minutes-per-file', '0.05');
    expect(status).toBe(1);
    expect(lines.find((line) => line.startsWith('STUCK'))).toMatch(
      /^STUCK {2}blocked\.fixture\.ts has run for/,
    );
    expect(lines.at(-2)).toBe('0 passed, 1 failed, 0 skipped');
    const workers = lines.flatMap((line) => line.match(/^ {2}process (\d+)/)?.[1] ?? []);
    if (process.platform === 'linux') expect(workers.length).toBeGreaterThan(0);
    for (const pid of workers) expect(isRunning(Number(pid))).toBe(false);
    rmSync(`${root}/.cache`, { recursive: true, force: true });
  });

  it('refuses a limit for a file that is no number of minutes', () => {
    for (const minutes of ['0', '-1', 'soon']) {
      const { stderr, status } = runFixtures(`--minutes-per-file=${minutes}`);
      expect(stderr).toMatch(/--minutes-per-file takes a number above 0/);
      expect(status).toBe(2);
    }
  });

  it('fails when no test is found', () => {
    const { lines, status } = runFixtures('no-such-file');
    expect(lines.at(-1)).toBe('proved 0, not proven 0: none');
    expect(status).toBe(1);
  });
});

describe('tally()', () => {
  it('accepts a skip only with a reason', () => {
    for (const note of [undefined, '', 'flaky', 'not proven:', 'not proven:  ']) {
      const skip = note === undefined ? outcome('skipped') : outcome('skipped', { note });
      expect(tally([outcome('passed'), skip]).failures).toHaveLength(1);
    }
    const { failures, notProven } = tally([outcome('skipped', { note: 'not proven: no gcore' })]);
    expect(failures).toEqual([]);
    expect(notProven).toMatchObject([{ reason: 'no gcore', subject: 'every' }]);
  });

  it('fails a run of no tests', () => {
    expect(tally([]).failures).toHaveLength(1);
  });

  it('adds up the time of each section of the requirements', () => {
    const { sectionMs } = tally([
      outcome('passed'),
      outcome('passed', { name: 'koffi > M12 b', durationMs: 2 }),
      outcome('passed', { name: 'no id', durationMs: 4 }),
    ]);
    expect(sectionMs).toEqual({ M: 3 });
  });
});

it('closingLines() names each reason once, on one line', () => {
  const note = 'not proven: no\ngcore';
  const result = tally([outcome('skipped', { note }), outcome('skipped', { note })]);
  expect(closingLines(result)[1]).toBe('proved 0, not proven 2: no gcore (2)');
});

it('subjectOf() excuses a gap only for a test that names another backend', () => {
  expect(subjectOf({ project: 'acceptance', name: 'A2 koffi and napi' })).toBe('koffi');
  expect(subjectOf({ project: 'backend-napi', name: 'A2' })).toBe('napi');
  expect(subjectOf({ project: 'backend-ffi', name: 'A2' })).toBe('ffi');
  expect(subjectOf({ project: 'over-ffi', name: 'errno' })).toBe('every');
  expect(subjectOf({ project: 'runtimes', name: 'Bun' })).toBe('runtimes');
  expect(subjectOf({ project: 'acceptance', name: 'A2' })).toBe('every');
});

it('repetitions() is a tenth, rounded up, unless the run is a full one', () => {
  vi.stubEnv(fullRunVariable, '');
  expect([1, 10, 99, 1000].map(repetitions)).toEqual([1, 1, 10, 100]);
  vi.stubEnv(fullRunVariable, 'full');
  expect(repetitions(99)).toBe(99);
});
