import { spawnSync } from 'node:child_process';
import { createFakeKernel, fakeBackend } from '@securemem/core/testing';
import { ffiBackend } from '@securemem/ffi';
import { koffiBackend } from '@securemem/koffi';
import { nodeWithFfi } from '@securemem/launch/runtime';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

/**
 * The backends that are held against the requirements here, by the name under which a test asks for one: the factory, its
 * options, and where this Node will not do, how another is found.
 *
 * @typedef {{ factory: import('@securemem/core').BackendFactory<any>, options?: object, node?: typeof nodeWithFfi }} Entry
 * @type {Readonly<Record<string, Entry>>}
 */
const ENTRIES = {
  koffi: { factory: koffiBackend },
  'koffi-hidden': { factory: koffiBackend, options: { kernelHidden: 'require' } },
  'koffi-no-views': { factory: koffiBackend, options: { views: 'none' } },
  napi: { factory: napiBackend },
  'napi-mlock': { factory: napiBackend, options: { kernelHidden: 'off' } },
  ffi: { factory: ffiBackend, node: nodeWithFfi },
  'ffi-hidden': { factory: ffiBackend, options: { kernelHidden: 'require' }, node: nodeWithFfi },
  nolock: { factory: nolockBackend },
};

/** @param {string} name @returns {Entry} */
function entryOf(name) {
  const entry = ENTRIES[name];
  if (entry === undefined) throw new RangeError(`no backend is called ${name}`);
  return entry;
}

/** @param {string} name */
export function openBackend(name) {
  if (name === 'fake') {
    return fakeBackend({ kernel: createFakeKernel({ lockLimit: { kind: 'unlimited' } }) });
  }
  const { factory, options } = entryOf(name);
  return factory(options);
}

/** The Node in which a backend is tried: this one, unless it needs another. Ask `unavailable` first. @param {string} name */
export function programOf(name) {
  const found = name === 'fake' ? undefined : entryOf(name).node?.();
  return found !== undefined && 'program' in found ? found.program : process.execPath;
}

/** Why a backend cannot open here, or undefined.
 *  @param {string} name @returns {string | undefined} */
export function unavailable(name) {
  if (name === 'fake') return undefined;
  const { factory, options, node } = entryOf(name);
  const found = node?.();
  if (found !== undefined && 'missing' in found) return found.missing;
  if (found !== undefined && found.program !== process.execPath) {
    return unavailableIn(found.program, name);
  }
  const probe = factory.probe(options);
  return probe.available ? undefined : probe.reason;
}

/** The same, asked in another Node. @param {string} program @param {string} name @returns {string | undefined} */
function unavailableIn(program, name) {
  const script = `const { unavailable } = await import(${JSON.stringify(import.meta.url)});
    process.stdout.write(JSON.stringify([unavailable(${JSON.stringify(name)})]));`;
  const { stdout, stderr } = spawnSync(program, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stdout === '' ? stderr : (JSON.parse(stdout)[0] ?? undefined);
}
