import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { type Backoff, DEFAULT_BACKOFF } from './backoff.js';
import { CRASH_CATEGORIES, type CrashCategory, RESTARTS_MAX } from './crash.js';
import { HaltLatch } from './halt-latch.js';

/** Everything that shares this object stops, for ever, with the first cause. */
export interface HaltPolicy {
  readonly kind: 'halt';
  /** Also purge, write one line with the cause to standard error, and exit the host with code 70. */
  readonly exitHost: boolean;
  readonly latch: HaltLatch;
}

/** The crashed process stays down and its secrets are lost; others are not concerned. */
export interface TerminatePolicy {
  readonly kind: 'terminate';
}

/** A bounded number of restarts, each after a wait; then another policy. */
export interface RetryPolicy {
  readonly kind: 'retry';
  readonly restartsMax: number;
  readonly restartsTotalMax: number;
  readonly windowMs: number;
  readonly backoff: Backoff;
  readonly categories: readonly CrashCategory[];
  readonly retryShutdowns: boolean;
  readonly then: HaltPolicy | TerminatePolicy;
}

/** One policy for each category of crash. */
export interface CategoryPolicy {
  readonly kind: 'by-category';
  readonly policies: Readonly<Partial<Record<CrashCategory, CrashPolicy>>>;
  readonly default: CrashPolicy;
}

/** What happens when a supervised process dies. Made by `halt`, `terminate`, `retry` and `byCategory`. */
export type CrashPolicy = HaltPolicy | TerminatePolicy | RetryPolicy | CategoryPolicy;

/** What `retry()` takes. */
export interface RetryOptions {
  /** Restarts granted within any `windowMs`; 1 to 10,000. Default 1. */
  readonly restartsMax?: number;
  /** Restarts granted in all, however slowly they come; default 1,000, or `restartsMax` where that is more. */
  readonly restartsTotalMax?: number;
  /**
   * How long a restart counts, in milliseconds. A life shorter than this does not reset anything. Default 600,000 (ten
   * minutes).
   */
  readonly windowMs?: number;
  readonly backoff?: Partial<Backoff>;
  /**
   * The categories that are retried. Default: all but `engine-fault`, since a fault that can be caused again and again
   * is how somebody probes memory, and a restart would hand them another try.
   */
  readonly categories?: readonly CrashCategory[];
  /** Whether a polite signal (SIGTERM, SIGINT, SIGHUP, SIGQUIT) is answered by a restart. Default false. */
  readonly retryShutdowns?: boolean;
  /** What happens when there is no restart left, or the crash is not one to retry. Default `terminate()`. */
  readonly then?: HaltPolicy | TerminatePolicy;
}

const RETRY_NAMES = [
  'restartsMax',
  'restartsTotalMax',
  'windowMs',
  'backoff',
  'categories',
  'retryShutdowns',
  'then',
] as const;

/**
 * The default policy: a crash stops the keeper and whoever shares this very object; every later call is refused with the
 * first cause. Nothing resets it but a new policy object.
 */
export function halt(options?: { readonly exitHost?: boolean }): HaltPolicy {
  const { exitHost = false } = ownOptions(options, ['exitHost'], 'the options of halt()');
  if (typeof exitHost !== 'boolean') throw new TypeError('halt: exitHost must be a boolean');
  return Object.freeze({ kind: 'halt', exitHost, latch: new HaltLatch() });
}

/** A crash ends this keeper only. Its secrets are lost and must be provisioned into another one. */
export function terminate(): TerminatePolicy {
  return Object.freeze({ kind: 'terminate' });
}

/**
 * A crash is answered by a restart after a randomised, growing wait, as often as the limits allow; then by `then`. Throws
 * `RangeError` or `TypeError` on values outside the documented ranges and on unknown options.
 */
export function retry(given?: RetryOptions): RetryPolicy {
  const options = ownOptions(given, RETRY_NAMES, 'the options of retry()');
  const restartsMax = integer('restartsMax', options.restartsMax ?? 1, 1, RESTARTS_MAX);
  const totalDefault = Math.max(restartsMax, 1_000);
  const total = options.restartsTotalMax ?? totalDefault;
  const then = options.then ?? terminate();
  requireCrashPolicy(then);
  if (then.kind !== 'halt' && then.kind !== 'terminate') {
    throw new TypeError('retry: then must be halt() or terminate()');
  }
  const retryShutdowns = options.retryShutdowns ?? false;
  if (typeof retryShutdowns !== 'boolean') {
    throw new TypeError('retry: retryShutdowns must be a boolean');
  }
  return Object.freeze({
    kind: 'retry',
    restartsMax,
    restartsTotalMax: integer('restartsTotalMax', total, restartsMax, Number.MAX_SAFE_INTEGER),
    windowMs: integer('windowMs', options.windowMs ?? 600_000, 1, Number.MAX_SAFE_INTEGER),
    backoff: completeBackoff(options.backoff),
    categories: completeCategories(options.categories),
    retryShutdowns,
    then,
  });
}

/** Another policy for each category; `default` for those not named. */
export function byCategory(
  given: Readonly<Partial<Record<CrashCategory, CrashPolicy>>> & {
    readonly default: CrashPolicy;
  },
): CategoryPolicy {
  const named = ownOptions(given, [...CRASH_CATEGORIES, 'default'], 'the options of byCategory()');
  const { default: otherwise } = named;
  requireCrashPolicy(otherwise);
  // What is left has no prototype, and is asked for categories by name later.
  delete (named as { default?: CrashPolicy }).default;
  for (const policy of Object.values(named)) requireCrashPolicy(policy);
  return Object.freeze({ kind: 'by-category', policies: Object.freeze(named), default: otherwise });
}

/** Throws `TypeError` for what none of the functions above has made. */
export function requireCrashPolicy(value: unknown): asserts value is CrashPolicy {
  const { kind } = ownProperties(value as { kind?: unknown }, 'a crash policy');
  if (kind === 'halt' || kind === 'terminate' || kind === 'retry' || kind === 'by-category') return;
  throw new TypeError('a crash policy is made by halt, terminate, retry or byCategory');
}

/** Every halt that a policy may decide on: whoever uses the policy listens to all of these. */
export function haltsWithin(policy: CrashPolicy): readonly HaltPolicy[] {
  switch (policy.kind) {
    case 'halt':
      return [policy];
    case 'terminate':
      return [];
    case 'retry':
      return haltsWithin(policy.then);
    case 'by-category': {
      const inner = [policy.default, ...Object.values(policy.policies)].flatMap(haltsWithin);
      return [...new Set(inner)];
    }
  }
}

function completeBackoff(backoff: Partial<Backoff> | undefined): Backoff {
  const given = ownOptions(backoff, ['baseMs', 'factor', 'capMs'], 'backoff');
  const longest = 2 ** 31 - 1;
  const baseMs = integer('baseMs', given.baseMs ?? DEFAULT_BACKOFF.baseMs, 1, longest);
  const factor = given.factor ?? DEFAULT_BACKOFF.factor;
  if (!(typeof factor === 'number' && factor >= 1 && factor <= 10)) {
    throw new RangeError(`backoff: factor must be 1 to 10, not ${String(factor)}`);
  }
  const capMs = given.capMs ?? Math.max(baseMs, DEFAULT_BACKOFF.capMs);
  return Object.freeze({ baseMs, factor, capMs: integer('capMs', capMs, baseMs, longest) });
}

function completeCategories(given: readonly CrashCategory[] | undefined): readonly CrashCategory[] {
  if (given === undefined) return CRASH_CATEGORIES.filter((name) => name !== 'engine-fault');
  for (const name of given) {
    if (!CRASH_CATEGORIES.includes(name)) throw new RangeError(`unknown crash category: ${name}`);
  }
  return Object.freeze([...given]);
}

function integer(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`);
}
