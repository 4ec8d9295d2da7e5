/**
 * A backend on `node:ffi`: locked, guarded, wiped pages with no dependency at all.
 *
 * @module @securemem/ffi
 */
import type { BackendFactory } from '@securemem/core/contract';
import {
  backendOver,
  type FfiBackendOptions,
  type HardenProcess,
  hardenProcessOver,
} from '@securemem/over-ffi';
import { nodeFfi } from './node-ffi.js';

export type {
  FfiBackendOptions,
  HardenLimits,
  HardenProcess,
  HardenReport,
  HardenStep,
  Measure,
} from '@securemem/over-ffi';

/**
 * Locked, guarded memory by system calls through the `node:ffi` of Node 26: nothing is installed beside it.
 *
 * The call opens the backend, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE` with the reason; on older versions of Node the
 * reason is the version. It opens under a lock limit of 0 as well, since the limit may be raised later (`raiseLockLimit`);
 * `map` throws `ERR_SECMEM_LOCK_LIMIT` until then. Node prints its warning about experimental features at the first call.
 */
export const ffiBackend: BackendFactory<FfiBackendOptions> = backendOver(nodeFfi);

/**
 * Makes it harder to get at the memory of this process from outside, for the whole process and for good; nothing calls it
 * for you. Look at `complete` of the report.
 */
export const hardenProcess: HardenProcess = hardenProcessOver(nodeFfi);
