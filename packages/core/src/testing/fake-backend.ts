import {
  type BackendCapabilities,
  KEY_ALGORITHMS,
  type MemoryBackend,
  ownOptions,
  type ProbeResult,
  SecureMemoryError,
} from '../contract/index.js';
import type { FakeKernel } from './fake-kernel.js';
import { SimulatedBackend } from './simulated-backend.js';

/**
 * Everything that a real backend on Linux has at its best, short of being hidden from the kernel, and of references of keys: those of a
 * fake are names that no runtime knows.
 */
export const FAKE_CAPABILITIES: BackendCapabilities = {
  locking: 'locked',
  guardPages: true,
  protection: 'no-access',
  dumpExclusion: true,
  forkBehaviour: 'zeroed',
  kernelHidden: false,
  views: 'revocable',
  threadExit: 'wiped',
  cipher: 'in-place',
  keys: KEY_ALGORITHMS,
  keysLater: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  keyReferences: 'none',
  environment: 'erasable',
};

/** What a fake backend differs in from the best real one. */
export interface FakeBackendOptions {
  /** The kernel that decides. One of its own unless given; share one to have several lockers under one limit. */
  readonly kernel?: FakeKernel;
  /** What differs from `FAKE_CAPABILITIES`. */
  readonly capabilities?: Partial<BackendCapabilities>;
  /** `fake` unless told. */
  readonly name?: string;
  /** `exact`: `aliasAlive` knows (the default). `unknown`: it cannot tell, as without finalizers. */
  readonly aliasTracking?: 'exact' | 'unknown';
  /** A reason why this backend cannot be opened here: `probe` gives it and opening throws. */
  readonly unavailable?: string;
}

const NAMES = ['kernel', 'capabilities', 'name', 'aliasTracking', 'unavailable'] as const;

/** A backend without real memory. It also says which kernel it talks to. */
export interface FakeBackend extends MemoryBackend {
  readonly kernel: FakeKernel;
}

/**
 * Opens a backend on a simulated kernel: the whole contract, checked as strictly as a real backend checks it, with no
 * real memory and no protection of anything. For tests only.
 *
 * @throws SecureMemoryError `ERR_SECMEM_BACKEND_UNAVAILABLE` when the options say so.
 */
export function fakeBackend(given?: FakeBackendOptions): FakeBackend {
  const options = ownOptions(given, NAMES, 'the options of fakeBackend()');
  if (options.unavailable !== undefined) {
    throw new SecureMemoryError('ERR_SECMEM_BACKEND_UNAVAILABLE', options.unavailable, {
      operation: 'open',
      backend: options.name ?? 'fake',
    });
  }
  return new SimulatedBackend(
    Object.assign(options, {
      capabilities: { ...FAKE_CAPABILITIES, ...options.capabilities },
    }),
  );
}

fakeBackend.backendName = 'fake';

/** Whether the options let it open. */
fakeBackend.probe = (options?: FakeBackendOptions): ProbeResult => {
  const { unavailable } = ownOptions(options, NAMES, 'the options of fakeBackend()');
  return unavailable === undefined
    ? { available: true }
    : { available: false, reason: unavailable };
};
