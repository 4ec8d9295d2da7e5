import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type BackendFactory,
  isSecureMemoryError,
  type LockLimit,
  type MemoryBackend,
} from '@securemem/core';
import type { BackendFacts, ByteLimit } from './facts.js';

/** The backends that the doctor knows, in the order in which it recommends them. */
export const KNOWN_BACKENDS = [
  { name: 'koffi', packageName: '@securemem/koffi', factoryName: 'koffiBackend', mayHide: true },
  { name: 'napi', packageName: '@securemem/napi', factoryName: 'napiBackend', mayHide: true },
  { name: 'ffi', packageName: '@securemem/ffi', factoryName: 'ffiBackend', mayHide: true },
  {
    name: 'nolock',
    packageName: '@securemem/nolock',
    factoryName: 'nolockBackend',
    mayHide: false,
  },
] as const;

/** The option of every backend that may hide its pages from the kernel. */
interface HidingOptions {
  readonly kernelHidden?: 'require';
}

type KnownBackend = (typeof KNOWN_BACKENDS)[number];

/** What each backend says that a program in `directory` would load. Opens each for a moment and closes it again. */
export function installedBackends(directory: string): BackendFacts[] {
  const load = createRequire(join(directory, 'securemem-doctor.cjs'));
  return KNOWN_BACKENDS.map((known) => factsOf(known, load));
}

function factsOf(known: KnownBackend, load: NodeRequire): BackendFacts {
  const nothing = {
    name: known.name,
    packageName: known.packageName,
    version: undefined,
    pageByteLength: undefined,
    capabilities: undefined,
    lockLimit: undefined,
    trial: undefined,
    hides: undefined,
  };
  try {
    load.resolve(known.packageName);
  } catch {
    return { ...nothing, state: 'missing', reason: undefined };
  }
  const version = versionOf(known, load);
  try {
    const module = load(known.packageName) as Record<string, unknown>;
    const factory = module[known.factoryName] as BackendFactory<HidingOptions>;
    const backend = factory();
    try {
      const seen = describe(backend);
      // Where no page can be locked, none can be hidden either, and the refusal says nothing of the kernel.
      const tells = known.mayHide && seen.trial?.passed === true;
      const hides = tells ? factory.probe({ kernelHidden: 'require' }).available : undefined;
      return { ...nothing, version, ...seen, hides, state: 'open', reason: undefined };
    } finally {
      backend[Symbol.dispose]();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...nothing, version, state: 'unavailable', reason };
  }
}

function versionOf(known: KnownBackend, load: NodeRequire): string | undefined {
  try {
    return (load(`${known.packageName}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

function describe(
  backend: MemoryBackend,
): Pick<BackendFacts, 'pageByteLength' | 'capabilities' | 'lockLimit' | 'trial'> {
  return {
    pageByteLength: backend.pageByteLength,
    capabilities: { ...backend.capabilities },
    lockLimit: byteLimitOf(backend.lockLimit()),
    trial: tryOnePage(backend),
  };
}

function byteLimitOf(limit: LockLimit): ByteLimit {
  return limit.kind === 'bytes' ? limit.byteLength : limit.kind;
}

/** What a claim is worth shows only when a page is really asked for. */
function tryOnePage(backend: MemoryBackend): NonNullable<BackendFacts['trial']> {
  try {
    const region = backend.map(backend.pageByteLength);
    try {
      backend.write(region, 0, new Uint8Array(new ArrayBuffer(16)).fill(0xa5));
      backend.wipe(region, 0, 16);
    } finally {
      backend.unmap(region);
    }
    return { passed: true };
  } catch (error) {
    return { passed: false, code: isSecureMemoryError(error) ? error.code : String(error) };
  }
}
