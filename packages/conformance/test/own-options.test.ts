import { publicOptions } from '@securemem/proof/public-options';
import { describe, expect, it } from 'vitest';
import {
  conformance,
  fakeEvidence,
  linuxEvidence,
  nodeTestRunner,
  type RequirementResult,
  renderReport,
  runConformance,
  runConformanceIsolated,
  runPart,
  systemEvidence,
  vitestRunner,
} from '../src/index.js';
import { fakeSubject } from './fake.js';
import { open as pretend } from './subjects/pretender.mjs';

const TYPES = publicOptions([new URL('../src/index.ts', import.meta.url)]);
/** What Node reads of the options by which the suite starts a process. */
const OF_PROCESSES = ['cwd', 'shell', 'env', 'uid', 'argv0', 'timeout', 'detached', 'killSignal'];
/** What the suite reads of the answers of its processes. */
const OF_ANSWERS = ['error', 'result', 'ready', 'notProven', 'subject', 'finished', 'late'];
const NAMES = [...new Set([...TYPES.names, ...OF_PROCESSES, ...OF_ANSWERS])];
const VALUES = [1, 'text', true, {}, ['x']];

const module = new URL('subjects/crasher.mjs', import.meta.url);
const { kernel, open } = fakeSubject();
const evidence = fakeEvidence(kernel, open);
const ids = ['map-zeroed', 'view-exact-range'] as const;
const only = [ids[0]];
const short = ({ id, outcome, reason }: RequirementResult) => ({ id, outcome, reason });

/** The tests that a suite registers, by name. */
function registered(suite: (runner: ReturnType<typeof vitestRunner>) => void): string[] {
  const names: string[] = [];
  const describe = (_: string, body: () => void): void => body();
  const it = (name: string): void => void names.push(name);
  suite(vitestRunner({ describe, it, afterAll: () => {} }));
  return names;
}

const CALLS: Readonly<Record<string, () => unknown>> = {
  runConformance: async () => {
    const report = await runConformance({ open, evidence, only });
    return report.results.map(short);
  },
  runPart: async () => {
    const options = { open, evidence, only, thorough: false, seed: 1 };
    return (await runPart(options, { from: 0, onOpen: () => {} })).map(short);
  },
  runConformanceIsolated: async () => {
    const report = await runConformanceIsolated({ module, only: [...ids] });
    return report.results.map(short);
  },
  renderReport: async () => {
    const report = await runConformance({ open, evidence, only, seed: 1 });
    return renderReport(report).replace(/^ +date .*$/m, '');
  },
  'conformance, vitestRunner, nodeTestRunner': () => [
    registered((runner) => conformance({ runner, open, evidence, only })),
    typeof nodeTestRunner({ describe: () => {}, it: () => {}, after: () => {} }).it,
  ],
  'linuxEvidence, systemEvidence': async () => {
    // It asks a child, which a limit of one millisecond would end.
    const asked = linuxEvidence(module, {});
    const other = systemEvidence(module);
    await other.close();
    const report = await runConformance({
      open: pretend,
      evidence: asked,
      only: ['opening-changes-nothing'],
    });
    return [other.name, ...report.results.map(short)];
  },
};

const pollutable = Object.prototype as unknown as Record<string, unknown>;

async function outcome(call: () => unknown, names: readonly string[], value: unknown) {
  for (const name of names) {
    Object.defineProperty(pollutable, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  }
  try {
    return JSON.stringify(await call());
  } catch (error) {
    return String(error);
  } finally {
    for (const name of names) delete pollutable[name];
  }
}

describe('P02 the suite reads options from own properties alone', () => {
  it('has a call here for every public function whose types say that it takes options', () => {
    const called = Object.keys(CALLS).flatMap((names) => names.split(', '));
    // A context is made by the suite, and its type alone can be imported.
    const takers = TYPES.takers.filter((name) => name !== 'Context');
    expect(takers.filter((name) => !called.includes(name))).toEqual([]);
    expect(NAMES).toEqual(expect.arrayContaining(['timeLimitMs', 'only', 'evidence', 'shell']));
  });

  it.each(Object.entries(CALLS))('by %s', { timeout: 120_000 }, async (_, call) => {
    const before = await outcome(call, [], undefined);
    expect(before).not.toMatch(/Error/);
    for (const value of VALUES) {
      const all = await outcome(call, NAMES, value);
      if (all === before) continue;
      for (const name of NAMES) {
        expect([name, value, await outcome(call, [name], value)]).toEqual([name, value, before]);
      }
      expect(all).toBe(before);
    }
  });
});
