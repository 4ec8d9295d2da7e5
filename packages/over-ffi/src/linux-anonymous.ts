import type { Address } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import {
  type LinuxPages,
  PROT,
  refusedBy,
  reserve,
  type Trial,
  unmapRegion,
} from './linux-pages.js';
import type { Refused } from './refusal.js';

const MADV_DONTFORK = 10;
const MADV_DONTDUMP = 16;
const MADV_WIPEONFORK = 18; // Linux 4.14

/**
 * Anonymous pages with mlock.
 *
 * The order matters. The whole is reserved without access and the middle opened: a lock of a page without access fails with
 * ENOMEM and is charged all the same. The advice comes before the lock: from the first instant that a page is locked it is
 * out of core files and children, too.
 */
export class AnonymousPages implements LinuxPages {
  readonly kernelHidden = false;
  readonly #calls: LinuxCalls;
  readonly #page: number;
  /** The advice that `make` must deliver: the best, until `makeTrial` has found what this kernel knows. */
  #advice: readonly number[] = [MADV_DONTDUMP, MADV_WIPEONFORK];

  constructor(calls: LinuxCalls, page: number) {
    this.#calls = calls;
    this.#page = page;
  }

  make(byteLength: number): Address | Refused {
    const address = reserve(this.#calls, byteLength, this.#page, 'open');
    if (typeof address !== 'bigint') return address;
    const refused = this.#prepare(address, byteLength);
    if (refused === undefined) return address;
    unmapRegion(this.#calls, address, byteLength, this.#page);
    return refused;
  }

  makeTrial(): Trial | Refused {
    const calls = this.#calls;
    const address = reserve(calls, this.#page, this.#page, 'open');
    if (typeof address !== 'bigint') return address;
    if (calls.mprotect(address, this.#page, PROT['read-write']) !== 0) {
      const refused = refusedBy(calls, 'mprotect', 'memory');
      unmapRegion(calls, address, this.#page, this.#page);
      return refused;
    }
    const knows = (advice: number) => calls.madvise(address, this.#page, advice) === 0;
    const dumpExclusion = knows(MADV_DONTDUMP);
    const fork = [MADV_WIPEONFORK, MADV_DONTFORK].find(knows);
    this.#advice = [MADV_DONTDUMP].filter(() => dumpExclusion).concat(fork ?? []);
    const forkBehaviour =
      fork === undefined ? 'inherited' : fork === MADV_WIPEONFORK ? 'zeroed' : 'absent';
    return { address, lockRefused: this.#lock(address, this.#page), dumpExclusion, forkBehaviour };
  }

  /** Makes a region of reserved address space. After a refusal that address space is for the caller to unmap. */
  #prepare(address: Address, byteLength: number): Refused | undefined {
    const calls = this.#calls;
    if (calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
      return refusedBy(calls, 'mprotect', 'memory');
    }
    for (const advice of this.#advice) {
      if (calls.madvise(address, byteLength, advice) !== 0) {
        return refusedBy(calls, 'madvise', 'memory');
      }
    }
    return this.#lock(address, byteLength);
  }

  #lock(address: Address, byteLength: number): Refused | undefined {
    if (this.#calls.mlock(address, byteLength) === 0) return undefined;
    const refused = refusedBy(this.#calls, 'mlock', 'lock');
    // A lock that failed half-way is charged until then, even should the unmapping fail as well.
    this.#calls.munlock(address, byteLength);
    return refused;
  }
}
