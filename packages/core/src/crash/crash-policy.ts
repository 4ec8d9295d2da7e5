/**
 * What happens when a supervised process dies: facts in, a decision out, and nothing else. Everything here is pure but
 * the latch that makes a halt stick.
 */
export { type Backoff, backoffMs } from './backoff.js';
export { type CrashClassification, classifyCrash } from './classify.js';
export {
  CRASH_CATEGORIES,
  type Crash,
  type CrashActivity,
  type CrashCategory,
  type CrashHistory,
  type CrashLimits,
  type CrashObservation,
  NO_CRASHES,
  withRestart,
} from './crash.js';
export { type CrashDecision, decideCrash } from './decide.js';
export { HaltLatch } from './halt-latch.js';
export {
  byCategory,
  type CategoryPolicy,
  type CrashPolicy,
  type HaltPolicy,
  halt,
  haltsWithin,
  type RetryOptions,
  type RetryPolicy,
  requireCrashPolicy,
  retry,
  type TerminatePolicy,
  terminate,
} from './policies.js';
