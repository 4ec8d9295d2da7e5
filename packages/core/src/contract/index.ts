/**
 * The contract between a backend (mechanism) and the allocator (policy). It imports nothing and is all that the author of
 * a backend needs; `docs/WRITING-A-BACKEND.md` explains it and the conformance suite proves it.
 *
 * @module @securemem/core/contract
 */
export * from './arguments.js';
export * from './backend.js';
export * from './capabilities.js';
export * from './environment.js';
export * from './errors.js';
export * from './harden.js';
export * from './harden-report.js';
export { mayHibernate } from './hibernation.js';
export * from './key-arguments.js';
export * from './keys.js';
export { byteLengthOfOrdinary } from './ordinary-bytes.js';
export { ownOptions, ownProperties } from './own-properties.js';
export * from './region.js';
export {
  answersDebugSignal,
  debuggerWays,
  type Runtime,
  type RuntimeInspector,
  type RuntimeProcess,
} from './runtime-debugger.js';
export { zero } from './zero.js';
