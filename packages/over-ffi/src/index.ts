/**
 * Everything of a backend but the way to call C functions: the operating systems, the cipher, the contract. It is bundled
 * into each package that brings such a way, and published by none.
 *
 * @packageDocumentation
 */
export { type Address, offsetBy } from './address.js';
export { Errno } from './errno.js';
export { BackendErrors } from './errors.js';
export type { Binding, CType, Ffi, Library } from './ffi.js';
export {
  type HardenLimits,
  type HardenProcess,
  type HardenReport,
  type HardenStep,
  hardenProcessOver,
  type Measure,
} from './harden.js';
export { backendOver } from './opening.js';
export type { FfiBackendOptions } from './options.js';
