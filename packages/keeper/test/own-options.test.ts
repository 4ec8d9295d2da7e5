import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { byCategory, halt, retry, terminate } from '@securemem/core';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { completeOptions } from '../src/complete-options.js';
import { defineKeeper, type KeeperOptions } from '../src/index.js';
import { completePoolOptions } from '../src/pool/options.js';
import { completeCallOptions } from '../src/supervisor/call-options.js';

const SOURCE = new URL('../src/', import.meta.url);
const CRASH = new URL('../../core/src/crash/', import.meta.url);
const HOST = new URL('./hosts/polluted.mjs', import.meta.url).pathname;

/** The names of every property in every exported interface of options, limits and definitions. */
function optionNames(directory: URL): string[] {
  const names: string[] = [];
  for (const file of readdirSync(directory, { recursive: true }) as string[]) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(new URL(file, directory), 'utf8');
    ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true).forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return;
      if (!/(Options|Limits|Definition|Backoff|Policy)$/.test(node.name.text)) return;
      for (const member of node.members) names.push(member.name?.getText() ?? '');
    });
  }
  return names;
}

/** Those that the runtime reads where we start a process, a thread or a socket, and one of its environment. */
const RUNTIME_NAMES = [
  'shell',
  'cwd',
  'uid',
  'gid',
  'argv0',
  'stdio',
  'timeout',
  'killSignal',
  'detached',
  'serialization',
  'NODE_OPTIONS',
  'HARMLESS',
  'once',
  'capture',
  'passive',
  'eval',
  'workerData',
  'onread',
  'fd',
];

const NAMES = [...new Set([...optionNames(SOURCE), ...optionNames(CRASH), ...RUNTIME_NAMES])];
const VALUES = [
  0,
  1,
  '',
  'text',
  '--import=data:text/javascript,globalThis.POLLUTED=1',
  true,
  [],
  {},
  ['x'],
  { x: 'x' },
  null,
];

const pollutable = Object.prototype as unknown as Record<string, unknown>;

function polluted<T>(name: string, value: unknown, run: () => T): T {
  pollutable[name] = value;
  try {
    return run();
  } finally {
    delete pollutable[name];
  }
}

const module = new URL('./modules/probe.mjs', import.meta.url);
const backend = (): never => {
  throw new Error('not opened here');
};

/** What each public function makes of the least that it can be given. Latches are objects of their own and left out. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const functions: Readonly<Record<string, () => unknown>> = {
  openKeeper: () =>
    completeOptions({ module, crashPolicy: terminate(), limits: {}, env: {}, host: {} }),
  'openKeeper with less': () => completeOptions({ module } as KeeperOptions).callMsMax,
  openKeeperPool: () => completePoolOptions({ module, size: 2, crashPolicy: terminate() }),
  call: () => completeCallOptions({}, { callMsMax: 30_000 }),
  defineKeeper: () =>
    Object.keys(defineKeeper({ backend, operations: { echo: (payload) => payload } })),
  halt: () => halt({}).exitHost,
  retry: () => retry({ backoff: {} }),
  byCategory: () => Object.keys(byCategory({ default: terminate() }).policies),
};

describe('P02 options are read from own properties alone', () => {
  it('finds the names in the types', () => {
    expect(NAMES).toEqual(
      expect.arrayContaining([
        'env',
        'execArgv',
        'callMsMax',
        'secret',
        'harden',
        'exitHost',
        'baseMs',
        'affinity',
        'size',
      ]),
    );
    expect(NAMES.length).toBeGreaterThan(40);
  });

  it.each(Object.entries(functions))('by %s', (_name, run) => {
    const before = plain(run());
    for (const name of NAMES) {
      for (const value of VALUES) {
        expect([name, value, polluted(name, value, () => plain(run()))]).toEqual([
          name,
          value,
          before,
        ]);
      }
    }
  });

  it('and a policy that is none stays none', () => {
    const given = { module, crashPolicy: {} } as unknown as KeeperOptions;
    polluted('kind', 'terminate', () => expect(() => completeOptions(given)).toThrow(TypeError));
  });

  it('and an option that is read through the prototype would be caught', () => {
    const careless = () => ({ ...({} as KeeperOptions) }).env ?? 'none';
    expect(polluted('env', { X: 'x' }, careless)).toEqual({ X: 'x' });
  });

  // Every stream of the runtime reads this one through the prototype, standard output first: no program gets as far as us.
  const startable = NAMES.filter((name) => name !== 'signal');

  const start = (names: readonly string[], value: unknown, ...mode: string[]) => {
    const input = JSON.stringify({ names, value });
    const ran = spawnSync(process.execPath, [HOST, ...mode], { input, encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    return JSON.parse(ran.stdout);
  };

  it.each([
    ['--import=data:text/javascript,globalThis.POLLUTED=1'],
    [1],
    [{ NODE_OPTIONS: '--no-such-option' }],
  ])('from the start of a keeper to its end, with every name at once (%o)', (value) => {
    expect(start(startable, value)).toEqual([
      [7],
      '4',
      'ready',
      [{}, expect.any(Array), process.cwd()],
    ]);
  });

  it('and the same pollution does reach a program that reads through the prototype', () => {
    const [, , , [environment]] = start(['env'], { X: 'x' }, 'control');
    expect(environment).toEqual({ X: 'x' });
  });
});
