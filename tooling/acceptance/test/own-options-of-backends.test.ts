import type { BackendFactory, MemoryBackend } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';
import { publicOptions } from '@securemem/proof/public-options';
import { describe, expect, it } from 'vitest';

const PACKAGES = ['backend-koffi', 'backend-napi', 'backend-nolock'];
const { names } = publicOptions(
  PACKAGES.map((name) => new URL(`../../../packages/${name}/src/index.ts`, import.meta.url)),
);
/** What Node reads of the options that it is given, by release. */
const OF_NODE = ['signal', 'encoding', 'flag', 'buffer', 'bigint', 'recursive', 'format', 'key'];
const NAMES = [...new Set([...names, ...OF_NODE])];
const VALUES = [1, 'text', true, {}, null];

const pollutable = Object.prototype as unknown as Record<string, unknown>;

/** What a backend says of itself, of a page, and of the process, and whether its cipher works. */
function deeds(factory: BackendFactory<object>): unknown {
  const options = factory === (nolockBackend as BackendFactory<never>) ? undefined : {};
  const backend: MemoryBackend = factory(options);
  try {
    const before = backend.lockedByteLength();
    const region = backend.map(backend.pageByteLength);
    const added = Number(backend.lockedByteLength()) - Number(before);
    const facts = backend.inspect([region]);
    backend.write(region, 0, new Uint8Array(64).fill(7));
    const ranges = [0, 32].map((byteOffset) => ({ region, byteOffset, byteLength: 32 }));
    const [key, text] = ranges as [(typeof ranges)[0], (typeof ranges)[0]];
    const sealed = new Uint8Array(48);
    const canSeal = backend.capabilities.cipher === 'in-place';
    if (canSeal) backend.seal(key, new Uint8Array(12), new Uint8Array(0), text, sealed);
    backend.unmap(region);
    const { capabilities, name, pageByteLength } = backend;
    const [limit, probe] = [backend.lockLimit(), factory.probe(options)];
    return { name, capabilities, pageByteLength, added, facts, limit, probe, sealed: [...sealed] };
  } finally {
    backend[Symbol.dispose]();
  }
}

/** As text, under pollution, which is over when this returns. */
function outcome(
  factory: BackendFactory<object>,
  polluted: readonly string[],
  value: unknown,
): string {
  let result: unknown;
  for (const name of polluted) pollutable[name] = value;
  try {
    result = deeds(factory);
  } catch (error) {
    result = { thrown: String(error) };
  } finally {
    for (const name of polluted) delete pollutable[name];
  }
  return JSON.stringify(result);
}

describe('P02 backends read options from own properties alone', () => {
  it.each(Object.entries({ koffiBackend, napiBackend, nolockBackend }))(
    'P02 %s is the same whatever lies on the prototype, and so is what it asks Node for',
    { timeout: 120_000 },
    (_, factory) => {
      const before = outcome(factory as BackendFactory<object>, [], undefined);
      expect(before).not.toContain('"thrown"');
      for (const value of VALUES) {
        for (const name of NAMES) {
          expect([name, value, outcome(factory as BackendFactory<object>, [name], value)]).toEqual([
            name,
            value,
            before,
          ]);
        }
      }
      expect(NAMES).toEqual(expect.arrayContaining(['kernelHidden', 'views']));
    },
  );
});
