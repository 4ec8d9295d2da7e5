import type { ErrorCode, ErrorDetails, LockLimit } from '@securemem/core/contract';

/** What is known when a system call of `map` was refused. Counts are asked for only where the answer depends on them. */
export interface Refusal {
  readonly syscall: string;
  readonly errno: number;
  readonly requestedByteLength: number;
  /** The unit in which the kernel counts locked bytes: a limit is rounded down to it. */
  readonly pageByteLength: number;
  /** What to do about a lock limit on this system. */
  readonly lockRemedy: string;
  lockLimit(): LockLimit;
  lockedByteLength(): number | 'unknown';
  mappings(): number | 'unknown';
  mappingsMax(): number | 'unknown';
}

export interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** A guarded region is three mappings, so the last attempt fails up to two before the maximum; one more is the kernel's. */
const MAPPINGS_SLACK = 3;

function lockLimitVerdict(
  refusal: Refusal,
  limitByteLength: number | undefined,
  locked: number | 'unknown',
): Verdict {
  return {
    code: 'ERR_SECMEM_LOCK_LIMIT',
    message:
      limitByteLength === 0
        ? 'this process may not lock memory: its lock limit is 0'
        : 'the lock limit of this process is reached',
    details: {
      limit: 'lock',
      requestedByteLength: refusal.requestedByteLength,
      ...(locked === 'unknown' ? {} : { inUseByteLength: locked }),
      ...(limitByteLength === undefined ? {} : { limitByteLength }),
      remedy: refusal.lockRemedy,
    },
  };
}

/** No mapping left for a region of this size. */
export function mapLimitVerdict(
  requestedByteLength: number,
  mappings: number,
  mappingsMax: number,
): Verdict {
  return {
    code: 'ERR_SECMEM_MAP_LIMIT',
    message: 'the number of mappings of this process is exhausted',
    details: {
      limit: 'mappings',
      requestedByteLength,
      mappings,
      mappingsMax,
      remedy: 'raise vm.max_map_count, or put more secrets into fewer regions',
    },
  };
}

/** No file descriptor left for the moment that the making of a region needs one. */
export function descriptorVerdict(requestedByteLength: number): Verdict {
  return {
    code: 'ERR_SECMEM_OUT_OF_MEMORY',
    message: 'no file descriptor is left to make this region with',
    details: {
      requestedByteLength,
      remedy: 'raise the limit of open files: ulimit -n, LimitNOFILE= in a systemd unit',
    },
  };
}

function explainByMappings(refusal: Refusal): Verdict | undefined {
  const mappings = refusal.mappings();
  const mappingsMax = refusal.mappingsMax();
  if (mappings === 'unknown' || mappingsMax === 'unknown') return undefined;
  if (mappings + MAPPINGS_SLACK <= mappingsMax) return undefined;
  return mapLimitVerdict(refusal.requestedByteLength, mappings, mappingsMax);
}

function outOfMemoryVerdict(refusal: Refusal, limit: 'memory' | 'address-space'): Verdict {
  return {
    code: 'ERR_SECMEM_OUT_OF_MEMORY',
    message: limit === 'memory' ? 'no memory for this region' : 'no address space for this region',
    details: { limit, requestedByteLength: refusal.requestedByteLength },
  };
}

function isShortage(errno: number, numbers: RefusalNumbers): boolean {
  return errno === numbers.tryAgain || numbers.noMemory.includes(errno);
}

const DENIED: Verdict = {
  code: 'ERR_SECMEM_DENIED',
  message: 'the system forbids it whatever the limit, as seccomp filters do',
  details: { remedy: 'allow mmap, mprotect, madvise and mlock in the sandbox of this process' },
};

const PLATFORM: Verdict = {
  code: 'ERR_SECMEM_PLATFORM',
  message: 'the system refused for a reason that this backend does not know',
  details: {},
};

/** Which numbers mean what, where they differ between systems. */
export interface RefusalNumbers {
  /** More than one cause: the lock limit, the number of mappings, or memory. */
  readonly noMemory: readonly number[];
  readonly tryAgain: number;
  /** Numbers that say by themselves that the lock limit is reached. Linux has none. */
  readonly lockLimit: readonly number[];
  /** Numbers of a system that forbids the call as such. */
  readonly forbidden: readonly number[];
}

/**
 * Why memory could not be locked. One number has several causes (measured on Linux 6.18): over the limit and out of
 * mappings are both ENOMEM, while a limit of 0 is EPERM, as is a seccomp filter. So the limit is read first, and the
 * mappings are counted only where the limit does not explain it, since counting costs milliseconds when there are many.
 */
export function explainLockRefusal(refusal: Refusal, numbers: RefusalNumbers): Verdict {
  const limit = refusal.lockLimit();
  const limitByteLength = limit.kind === 'bytes' ? limit.byteLength : undefined;
  const locked = refusal.lockedByteLength();
  if (limitByteLength === 0) return lockLimitVerdict(refusal, 0, locked);
  if (numbers.lockLimit.includes(refusal.errno)) {
    return lockLimitVerdict(refusal, limitByteLength, locked);
  }
  if (numbers.forbidden.includes(refusal.errno)) return DENIED;
  if (!isShortage(refusal.errno, numbers)) return PLATFORM;

  if (limitByteLength !== undefined) {
    const lockable = limitByteLength - (limitByteLength % refusal.pageByteLength);
    const inUse = locked === 'unknown' ? 0 : locked;
    if (inUse + refusal.requestedByteLength > lockable) {
      return lockLimitVerdict(refusal, limitByteLength, locked);
    }
  }
  const mapLimit = explainByMappings(refusal);
  if (mapLimit !== undefined) return mapLimit;

  // ENOMEM of a valid range and a finite limit: another thread locked or unlocked between the call and our look at it.
  const limited = limitByteLength !== undefined && numbers.noMemory.includes(refusal.errno);
  if (limited) return lockLimitVerdict(refusal, limitByteLength, locked);
  return outOfMemoryVerdict(refusal, 'memory');
}

/** Why address space could not be reserved, opened or advised on. The lock limit plays no part in these calls. */
export function explainMapRefusal(
  refusal: Refusal,
  numbers: RefusalNumbers,
  limit: 'memory' | 'address-space',
): Verdict {
  if (numbers.forbidden.includes(refusal.errno)) return DENIED;
  if (!isShortage(refusal.errno, numbers)) return PLATFORM;
  return explainByMappings(refusal) ?? outOfMemoryVerdict(refusal, limit);
}
