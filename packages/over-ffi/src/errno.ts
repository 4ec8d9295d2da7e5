import type { Ffi } from './ffi.js';

/** How a C function says that it failed: -1, or a pointer with every bit set. */
const MINUS_ONE = -1;
const ALL_ONES = 2n ** 64n - 1n;

type Call = (...values: unknown[]) => unknown;

/**
 * The error number of the last call that failed.
 *
 * `errno` belongs to the thread, and the engine runs on it as well: between a call and a later look at it, a collection of
 * garbage or a handler of a signal may have made calls of its own that failed. So every function that is made here looks in
 * the same step in which it learns of the failure, and keeps the number. No other call comes between, and the results that
 * say "failed" need no memory of the engine, but for that of `mmap` and its kin.
 */
export class Errno {
  readonly #ffi: Ffi;
  #last = 0;

  constructor(ffi: Ffi) {
    this.#ffi = ffi;
  }

  /** The number that the last failed call of `kept` functions left; 0 before the first. */
  last(): number {
    return this.#last;
  }

  /** A function of `arity` parameters that keeps the error number when `call` fails. */
  kept<F>(call: F, arity: number): F {
    return this.#keeping(call as Call, arity) as F;
  }

  /** Written out for the lengths that are called often: a list of arguments would be an allocation for each call. */
  #keeping(call: Call, arity: number): Call {
    if (arity === 1) return (a) => this.#judge(call(a));
    if (arity === 2) return (a, b) => this.#judge(call(a, b));
    if (arity === 3) return (a, b, c) => this.#judge(call(a, b, c));
    return (...values) => this.#judge(call(...values));
  }

  #judge(result: unknown): unknown {
    if (result === MINUS_ONE || result === ALL_ONES) this.#last = this.#ffi.errno();
    return result;
  }
}
