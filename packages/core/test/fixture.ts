import { onTestFinished } from 'vitest';
import { type Allocator, type AllocatorOptions, createAllocator } from '../src/index.js';
import {
  createFakeKernel,
  type FakeBackendOptions,
  type FakeKernel,
  type FakeKernelOptions,
  type FaultyBackend,
  fakeBackend,
  faultyBackend,
} from '../src/testing/index.js';

export const PAGE = 4096;

export interface Fixture {
  readonly memory: Allocator;
  readonly kernel: FakeKernel;
  readonly backend: FaultyBackend;
}

export interface FixtureOptions extends Omit<AllocatorOptions, 'backend'> {
  readonly kernel?: FakeKernel | FakeKernelOptions;
  readonly capabilities?: FakeBackendOptions['capabilities'];
}

/** An allocator over a simulated kernel of 64 KiB, closed when the test ends, with no violation of the simulated pages. */
export function open(options: FixtureOptions = {}): Fixture {
  const { kernel: given, capabilities, ...allocator } = options;
  const kernel =
    given !== undefined && 'violations' in given ? given : createFakeKernel(given ?? {});
  const backend = faultyBackend(
    fakeBackend({ kernel, ...(capabilities === undefined ? {} : { capabilities }) }),
  );
  const memory = createAllocator({ backend, exitHooks: false, ...allocator });
  onTestFinished(async () => {
    backend.heal();
    await memory.close({ waitMsMax: 0 }).catch(() => {});
    if (kernel.violations.length > 0) throw new Error(kernel.violations.join('\n'));
  });
  return { memory, kernel, backend };
}

/** What `fn` throws. */
export function thrown(fn: () => unknown): Error & { code?: string; details?: object } {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Lets every microtask and every due timer run once. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
