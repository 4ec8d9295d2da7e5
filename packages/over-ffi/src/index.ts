/**
 * Everything of a backend but the way to call C functions: the operating systems, the cipher, the contract. It is bundled
 * into each package that brings such a way, and published by none.
 *
 * @packageDocumentation
 */
export type {
  HardenLimits,
  HardenMeasure as Measure,
  HardenReport,
  HardenStep,
} from '@securemem/core/contract';
export { type Address, offsetBy } from './address.js';
export { Errno } from './errno.js';
export { BackendErrors } from './errors.js';
export type { Binding, CType, Ffi, Library } from './ffi.js';
export { type HardenProcess, hardenProcessOver } from './harden.js';
export { backendOver } from './opening.js';
export type { FfiBackendOptions } from './options.js';
