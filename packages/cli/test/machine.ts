import type { BackendCapabilities } from '@securemem/core';
import type { BackendFacts, Facts } from '../src/index.js';

const KOFFI: BackendCapabilities = {
  locking: 'locked',
  guardPages: true,
  protection: 'no-access',
  dumpExclusion: true,
  forkBehaviour: 'zeroed',
  kernelHidden: false,
  views: 'revocable',
  threadExit: 'kept',
  cipher: 'in-place',
  keys: [],
  keysLater: [],
  keyReferences: 'none',
  environment: 'erasable',
};

export function openBackend(
  name: 'koffi' | 'napi' | 'ffi',
  capabilities: Partial<BackendCapabilities> = {},
  more: Partial<BackendFacts> = {},
): BackendFacts {
  return {
    name,
    packageName: `@securemem/${name}`,
    version: '0.1.0',
    state: 'open',
    reason: undefined,
    pageByteLength: 4096,
    capabilities: { ...KOFFI, ...capabilities },
    lockLimit: 8_388_608,
    trial: { passed: true },
    hides: true,
    ...more,
  };
}

export function closedBackend(
  name: 'koffi' | 'napi' | 'ffi' | 'nolock',
  state: 'missing' | 'unavailable',
  reason?: string,
): BackendFacts {
  return {
    name,
    packageName: `@securemem/${name}`,
    version: undefined,
    state,
    reason,
    pageByteLength: undefined,
    capabilities: undefined,
    lockLimit: undefined,
    trial: undefined,
    hides: undefined,
  };
}

/** A machine on which there is nothing to say, except for what is given. */
export function machine(different: Partial<Facts> = {}): Facts {
  return {
    platform: 'linux',
    arch: 'x64',
    release: '6.12',
    runtime: 'Node.js 24.0.0',
    surroundings: 'shell',
    uid: 1000,
    pageByteLength: 4096,
    lock: {
      soft: 8_388_608,
      hard: 8_388_608,
      inUseByteLength: 0,
      capability: false,
      userNamespace: false,
    },
    mappings: { inUse: 150, max: 65_530 },
    memfdSecret: true,
    coreFiles: { limit: 0, toProgram: false },
    ptraceScope: 1,
    debugger: { signal: false, ways: [] },
    swapByteLength: 0,
    hibernation: false,
    memory: {
      totalByteLength: 8 * 1024 ** 3,
      availableByteLength: 4 * 1024 ** 3,
      groupLimitByteLength: 'unlimited',
    },
    seccomp: 0,
    permissionModel: { on: false, addons: true },
    sigsegvListeners: 0,
    secretNames: [],
    backends: [openBackend('koffi')],
    ...different,
  };
}
