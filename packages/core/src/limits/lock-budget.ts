import { totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { MemoryBackend } from '../contract/backend.js';
import type { LockLimit } from '../contract/capabilities.js';
import { isSecureMemoryError } from '../contract/errors.js';

/** Where the limit that holds now comes from. */
export type LimitSource = 'kernel' | 'option' | 'physical-memory' | 'assumed';

/** In bytes, where the system cannot say what the limit is: the smallest default in the field. */
export const ASSUMED_LIMIT_BYTE_LENGTH = 65_536;

/** Of physical memory, where nothing limits locking: locking more starves the rest of the machine. */
const PHYSICAL_MEMORY_SHARE = 0.25;

/** How long an answer about the machine's memory holds, in milliseconds: each reads four files, as much as twenty seals take. */
const MEMORY_MS = 1_000;

/** Of the memory that this process may have: inside a control group less than the machine has, and the kernel kills past it. */
function physicalMemoryShare(): number {
  const allowed = process.constrainedMemory?.() ?? 0;
  const total = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
  return Math.floor(total * PHYSICAL_MEMORY_SHARE);
}

export interface LimitInForce {
  readonly byteLength: number;
  readonly source: LimitSource;
}

/**
 * How many bytes of regions one allocator may hold. The limit is read anew at each question, since it may be changed on
 * the live process, except where those who wait are looked through. Mapped bytes are counted where they are mapped
 * (`Regions.mappedByteLength`); here is only the limit.
 */
export class LockBudget {
  readonly #backend: MemoryBackend;
  readonly #byteLengthMax: number | 'auto';
  readonly #headroomByteLength: number;
  #recalling = false;
  #recalled: LockLimit | undefined;
  #recalledByteLength = -1;
  #share = 0;
  #shareUntilMs = -1;

  constructor(backend: MemoryBackend, byteLengthMax: number | 'auto', headroomByteLength: number) {
    this.#backend = backend;
    this.#byteLengthMax = byteLengthMax;
    this.#headroomByteLength = headroomByteLength;
  }

  /**
   * The limit in force now. With `'auto'`: the kernel's, less the headroom; a quarter of the memory of the machine or the
   * control group, whichever is less, when the kernel sets none; 64 KiB when it cannot be known. A number given as an option holds, and so does a smaller kernel limit.
   */
  limit(): LimitInForce {
    const kernel = this.#recalling ? this.#recall() : this.#backend.lockLimit();
    const option = this.#byteLengthMax;
    if (kernel.kind === 'bytes') {
      const byteLength = Math.max(0, kernel.byteLength - this.#headroomByteLength);
      if (option === 'auto' || byteLength < option) return { byteLength, source: 'kernel' };
    }
    if (option !== 'auto') return { byteLength: option, source: 'option' };
    if (kernel.kind === 'unknown') {
      return { byteLength: ASSUMED_LIMIT_BYTE_LENGTH, source: 'assumed' };
    }
    return { byteLength: this.#physicalMemoryShare(), source: 'physical-memory' };
  }

  /**
   * Runs `fn`, which goes by what the kernel said last, until `forget`. Each release looks through everybody who waits, and
   * asking the kernel costs more than all the rest of that. An old answer that is too large is put right by the kernel, which
   * then refuses to map; one that is too small by the next retry, which forgets.
   */
  recall<T>(fn: () => T): T {
    const outer = this.#recalling;
    this.#recalling = true;
    try {
      return fn();
    } finally {
      this.#recalling = outer;
    }
  }

  /** The kernel is asked again. */
  forget(): void {
    this.#recalled = undefined;
    this.#recalledByteLength = -1;
  }

  /** The limit by what the kernel said last, in bytes. */
  get recalledByteLength(): number {
    if (this.#recalledByteLength < 0) this.#recalledByteLength = this.#recallByteLength();
    return this.#recalledByteLength;
  }

  /** Whether a refusal by this limit is a refusal by the kernel too, so that asking the kernel tells the same and more. */
  get kernelDecides(): boolean {
    return this.#headroomByteLength === 0 && this.limit().source === 'kernel';
  }

  /**
   * Raises the kernel's limit to what the budget may use: the given maximum plus headroom, or with `'auto'` as far as the
   * system lets this process go. Throws `ERR_SECMEM_CANNOT_RAISE` where that is no more than now.
   */
  raise(): void {
    const before = this.#backend.lockLimit();
    if (before.kind !== 'bytes') return;
    const wanted =
      this.#byteLengthMax === 'auto'
        ? this.#physicalMemoryShare()
        : this.#byteLengthMax + this.#headroomByteLength;
    if (before.byteLength >= wanted) return;
    try {
      this.#backend.raiseLockLimit(wanted);
    } catch (error) {
      const hard = isSecureMemoryError(error, 'ERR_SECMEM_CANNOT_RAISE')
        ? error.details.hardLimitByteLength
        : undefined;
      if (this.#byteLengthMax !== 'auto' || hard === undefined || hard <= before.byteLength) {
        throw error;
      }
      this.#backend.raiseLockLimit(hard);
    }
  }

  #physicalMemoryShare(): number {
    const nowMs = performance.now();
    if (nowMs > this.#shareUntilMs) {
      this.#share = physicalMemoryShare();
      this.#shareUntilMs = nowMs + MEMORY_MS;
    }
    return this.#share;
  }

  #recallByteLength(): number {
    return this.recall(() => this.limit().byteLength);
  }

  #recall(): LockLimit {
    this.#recalled ??= this.#backend.lockLimit();
    return this.#recalled;
  }
}
