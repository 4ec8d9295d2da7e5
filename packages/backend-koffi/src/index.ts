/**
 * A backend over FFI: locked, guarded, wiped pages with no compiler.
 *
 * @packageDocumentation
 */
export {
  type HardenLimits,
  type HardenReport,
  type HardenStep,
  hardenProcess,
  type Measure,
} from './harden.js';
export { type KoffiBackendOptions, koffiBackend } from './opening.js';
