import { type Address, offsetBy } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import type { Asked, Refused } from './refusal.js';

/** One kind of memory that regions on Linux are made of. */
export interface LinuxPages {
  /** memfd_secret: the kernel itself has no mapping of them. */
  readonly kernelHidden: boolean;

  /**
   * A region with a page without access on each side: zeroed, writable, locked, and with the advice that `observe` found to
   * work. Or nothing exists, and the answer says what was refused. The cause is looked for by the caller afterwards, since
   * at the mapping limit the engine needs the room to build an error.
   */
  make(byteLength: number): Address | Refused;

  /**
   * One page, to see what regions have here. A refused lock is told and no failure, since the limit may be raised later.
   * Learns which advice this kernel knows.
   */
  makeTrial(): Trial | Refused;
}

/** The page that `observe` looks at. It is for the caller to unmap. */
export interface Trial {
  /** Undefined where a refused lock leaves nothing to look at. */
  readonly address: Address | undefined;
  /** Why it has no lock, where it has none. */
  readonly lockRefused: Refused | undefined;
  /** What is claimed where the kernel shows nothing. */
  readonly dumpExclusion: boolean;
  readonly forkBehaviour: 'absent' | 'zeroed' | 'inherited';
}

export const PROT = { 'no-access': 0, 'read-only': 1, 'read-write': 3 } as const;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 2n ** 64n - 1n;

/** The call that just failed. */
export function refusedBy(calls: LinuxCalls, syscall: string, asksFor: Asked): Refused {
  return { syscall, errno: calls.errno(), asksFor };
}

/** Whether an address that `mmap` or `mremap` gave is none. */
export function failed(address: Address): boolean {
  return address === MAP_FAILED;
}

/**
 * Address space for a region and its guards, all of it without access. Costs no memory that can be touched, and no lock.
 *
 * What is to be opened is not MAP_NORESERVE, so that the kernel refuses what it could never hold instead of killing a process
 * when mlock brings it in. What is to be replaced by other pages is shared memory: a file of its own for the kernel, with
 * which no other mapping ever merges. Nothing is ever put into that one, so nothing is to be set aside for it.
 */
export function reserve(
  calls: LinuxCalls,
  byteLength: number,
  page: number,
  purpose: 'open' | 'replace',
): Address | Refused {
  const flags = MAP_ANONYMOUS | (purpose === 'open' ? MAP_PRIVATE : MAP_SHARED | MAP_NORESERVE);
  const base = calls.mmap(null, byteLength + 2 * page, PROT['no-access'], flags, -1, 0);
  return failed(base) ? refusedBy(calls, 'mmap', 'address-space') : offsetBy(base, page);
}

/** Gives back a region with its guards. */
export function unmapRegion(
  calls: LinuxCalls,
  address: Address,
  byteLength: number,
  page: number,
): Refused | undefined {
  if (calls.munmap(offsetBy(address, -page), byteLength + 2 * page) === 0) return undefined;
  return refusedBy(calls, 'munmap', 'memory');
}
