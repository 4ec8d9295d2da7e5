import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { publicOptions } from '@securemem/proof/public-options';
import { describe, expect, it } from 'vitest';
import { programOf, unavailable } from '../src/backends.mjs';

const CHILD = fileURLToPath(new URL('../src/own-options.mjs', import.meta.url));
const BACKENDS = ['koffi', 'napi', 'ffi'];
const TYPES = publicOptions(
  [...BACKENDS, 'nolock'].map(
    (name) => new URL(`../../../packages/backend-${name}/src/index.ts`, import.meta.url),
  ),
);
/** What the runtime reads of the objects that a backend hands it. */
const OF_THE_RUNTIME = ['encoding', 'flag', 'mode', 'once', 'capture'];
const NAMES = [...new Set([...TYPES.names, ...OF_THE_RUNTIME])];
const VALUES = [0, 1, 'none', 'require', 'text', true, null, {}, ['x']];

function tried(name: string, ...more: string[]) {
  const child = spawnSync(
    programOf(name),
    [CHILD, `@securemem/${name}`, `${name}Backend`, ...more],
    { input: JSON.stringify({ names: NAMES, values: VALUES }), encoding: 'utf8' },
  );
  expect(child.stderr.replace(/^\(.*\n/gm, '')).toBe('');
  return JSON.parse(child.stdout) as { changed: { name: string; one: string }[]; called: number };
}

describe('P02 backends read options from own properties alone', () => {
  it('has a call for every public function whose types say that it takes options', () => {
    const called = BACKENDS.flatMap((name) => [`${name}Backend`, `${name}Backend.probe`]);
    expect(TYPES.takers).toEqual([...called, 'hardenProcess'].toSorted());
    expect(NAMES).toEqual(expect.arrayContaining(['kernelHidden', 'views', 'cpuSecondsMax']));
  });

  it.for(BACKENDS)('by %s', { timeout: 120_000 }, (name, context) => {
    const reason = unavailable(name);
    if (reason !== undefined) context.skip(`not proven: ${reason}`);
    expect(tried(name)).toEqual({ changed: [], called: 3 });
  });

  it('control: an option that is read through the prototype is caught', () => {
    const { changed } = tried('koffi', 'control');
    expect(changed.length).toBeGreaterThan(0);
    expect(new Set(changed.map(({ name, one }) => `${name} ${one}`))).toEqual(
      new Set(['control views']),
    );
  });
});
