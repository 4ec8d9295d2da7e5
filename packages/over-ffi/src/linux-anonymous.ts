import type { Address } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import {
  type LinuxPages,
  PROT,
  type Refused,
  refusedBy,
  reserve,
  type Trial,
  unmapRegion,
} from './linux-pages.js';

const MADV_DONTDUMP = 16;
const MADV_WIPEONFORK = 18;

/**
 * Anonymous pages with mlock.
 *
 * The order matters. The whole is reserved without access, the middle opened, and locked before anything else can close it
 * again: a lock of a page without access fails with ENOMEM and is charged all the same. The reservation is not
 * MAP_NORESERVE, so that the kernel refuses what it could never hold instead of killing a process when mlock brings it in.
 */
export class AnonymousPages implements LinuxPages {
  readonly kernelHidden = false;
  readonly #calls: LinuxCalls;
  readonly #page: number;
  /** The advice that `make` must deliver: all of it, until `makeTrial` has found what this kernel knows. */
  #advice: readonly number[] = [MADV_DONTDUMP, MADV_WIPEONFORK];

  constructor(calls: LinuxCalls, page: number) {
    this.#calls = calls;
    this.#page = page;
  }

  make(byteLength: number): Address | Refused {
    const address = reserve(this.#calls, byteLength, this.#page);
    if (typeof address !== 'bigint') return address;
    const refused = this.#prepare(address, byteLength);
    if (refused === undefined) return address;
    // The munlock first: a lock that failed half-way is charged until then, even should the munmap fail as well.
    this.#calls.munlock(address, byteLength);
    unmapRegion(this.#calls, address, byteLength, this.#page);
    return refused;
  }

  makeTrial(): Trial | Refused {
    const calls = this.#calls;
    const address = reserve(calls, this.#page, this.#page);
    if (typeof address !== 'bigint') return address;
    if (calls.mprotect(address, this.#page, PROT['read-write']) !== 0) {
      const refused = refusedBy(calls, 'mprotect', 'memory');
      unmapRegion(calls, address, this.#page, this.#page);
      return refused;
    }
    this.#advice = this.#advice.filter(
      (advice) => calls.madvise(address, this.#page, advice) === 0,
    );
    let lockRefused: Refused | undefined;
    if (calls.mlock(address, this.#page) !== 0) {
      lockRefused = refusedBy(calls, 'mlock', 'lock');
      calls.munlock(address, this.#page);
    }
    return {
      address,
      lockRefused,
      dumpExclusion: this.#advice.includes(MADV_DONTDUMP),
      forkBehaviour: this.#advice.includes(MADV_WIPEONFORK) ? 'zeroed' : 'inherited',
    };
  }

  /** Makes a region of reserved address space. What it says was refused is for the caller to undo. */
  #prepare(address: Address, byteLength: number): Refused | undefined {
    const calls = this.#calls;
    if (calls.mprotect(address, byteLength, PROT['read-write']) !== 0) {
      return refusedBy(calls, 'mprotect', 'memory');
    }
    if (calls.mlock(address, byteLength) !== 0) return refusedBy(calls, 'mlock', 'lock');
    for (const advice of this.#advice) {
      if (calls.madvise(address, byteLength, advice) !== 0) {
        return refusedBy(calls, 'madvise', 'memory');
      }
    }
    return undefined;
  }
}
