/**
 * A backend over FFI: locked, guarded, wiped pages with no compiler.
 *
 * @module @securemem/koffi
 */
import type { BackendFactory } from '@securemem/core/contract';
import {
  backendOver,
  type FfiBackendOptions,
  type HardenProcess,
  hardenProcessOver,
} from '@securemem/over-ffi';
import { koffi } from './ffi.js';

export type {
  HardenLimits,
  HardenProcess,
  HardenReport,
  HardenStep,
  Measure,
} from '@securemem/over-ffi';

/** What `koffiBackend()` takes. */
export type KoffiBackendOptions = FfiBackendOptions;

/**
 * Locked, guarded memory by system calls through koffi: no compiler and no install script.
 *
 * The call opens the backend, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE` with the reason. It opens under a lock limit of 0
 * as well, since the limit may be raised later (`raiseLockLimit`); `map` throws `ERR_SECMEM_LOCK_LIMIT` until then.
 */
export const koffiBackend: BackendFactory<KoffiBackendOptions> = backendOver(koffi);

/**
 * Makes it harder to get at the memory of this process from outside, for the whole process and for good; nothing calls it
 * for you. Look at `complete` of the report.
 */
export const hardenProcess: HardenProcess = hardenProcessOver(koffi);
