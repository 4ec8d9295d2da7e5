import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Binding } from '../src/binding.js';

export interface TestAddon {
  /** FNV-1a of the bytes, read on another thread after a delay. */
  slowDigest(bytes: Uint8Array, delayMs: number): Promise<number>;
  /** process_vm_readv: the bytes read, or the error number negated. */
  readProcess(pid: number, address: bigint, target: Uint8Array): number;
  /** Calls `run`, and fills `target` with the stack below as that left it: the end of the array was next to the caller. */
  stackAfter(run: () => void, target: Uint8Array): void;
  /** Starts a thread that maps ordinary memory. What it returns ends it: looks, and those that found other bytes. */
  lookAfterPatterns(): () => [looked: number, damaged: number];
}

export interface TestBuild {
  /** The addon with `setFault` and `keepStack`. */
  readonly binding: Required<Binding>;
  readonly addon: TestAddon;
}

const require = createRequire(import.meta.url);
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** As scripts/build-native.mjs ends where it finds none. */
const NO_COMPILER = 3;

/** Builds and loads what only tests use, or says why there is no compiler. Throws where the sources do not build. */
export function testBuild(): TestBuild | string {
  const built = spawnSync(process.execPath, [path('scripts/build-native.mjs'), '--test'], {
    encoding: 'utf8',
  });
  if (built.status === NO_COMPILER) return built.stderr.trim();
  if (built.status !== 0) throw new Error(`the test build failed\n${built.stderr.trim()}`);
  return {
    binding: require(path('build/test/securemem.node')) as Required<Binding>,
    addon: require(path('build/test/test_addon.node')) as TestAddon,
  };
}
