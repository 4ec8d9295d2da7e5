/**
 * A backend as a native addon: memfd_secret or locked pages between guards, exact tracking of views, a cipher in place.
 *
 * @module @securemem/napi
 */
export type {
  HardenLimits,
  HardenMeasure as Measure,
  HardenReport,
  HardenStep,
} from '@securemem/core/contract';
export { hardenProcess } from './harden.js';
export { type NapiBackendOptions, napiBackend } from './opening.js';
