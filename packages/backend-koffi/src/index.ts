/**
 * A backend over FFI: locked, guarded, wiped pages with no compiler.
 *
 * @packageDocumentation
 */
export { type KoffiBackendOptions, koffiBackend } from './opening.js';
