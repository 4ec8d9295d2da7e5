import { onTestFinished } from 'vitest';
import { type Allocator, type AllocatorOptions, createAllocator } from '../src/index.js';
import { canaryBytes } from '../src/placement/canary.js';
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

/** A byte that the canary of this process does not have, so that whoever counts it in a page counts content alone. */
export const FILL = [0xc3, 0xc5, 0xc7, 0xc9, 0xcb, 0xcc, 0xcd, 0xce, 0xcf].find(
  (value) => !canaryBytes().includes(value),
) as number;

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

/** Fewer in a row are by chance: the key that seals lies in a page too, and is random. */
const RUN = 4;

/** How many bytes of `FILL` there are in all pages of a kernel, in runs of at least four. */
export function contentOf(kernel: FakeKernel): number {
  let found = 0;
  for (const region of kernel.regionIds) {
    const { byteLength } = kernel.find(region) as { byteLength: number };
    let run = 0;
    for (const byte of kernel.peek(region, 0, byteLength)) {
      run = byte === FILL ? run + 1 : 0;
      found += run === RUN ? RUN : Number(run > RUN);
    }
  }
  return found;
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

/** What a purge emptied has gone back to the system, or the system has refused to take something. */
export async function departed(memory: Allocator): Promise<void> {
  const refused = memory.stats().events['release-failed'];
  for (;;) {
    const { primary, events } = memory.stats();
    if (primary.regions === 0 || events['release-failed'] > refused) return;
    await sleep(0);
  }
}
