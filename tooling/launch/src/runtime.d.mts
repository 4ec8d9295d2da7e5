import type { SpawnSyncOptions } from 'node:child_process';

/** A Node that has `node:ffi` without a flag: this one, or one that is fetched; or why there is none. */
export function nodeWithFfi(): { program: string } | { missing: string };

/** The directory of an npm package that holds a runtime, fetched and unpacked at the first use. */
export function fetchRuntime(spec: string): string;

/** Of all runtimes; ignored by git. */
export const cache: string;

/** What a command printed; throws with all that it printed if it fails. */
export function run(command: string, args: readonly string[], options?: SpawnSyncOptions): string;

/** The version of the Node that is fetched where one with `node:ffi` is needed. */
export const NODE_WITH_FFI: string;
