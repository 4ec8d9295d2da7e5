import type { ErrorCode, ErrorDetails, LockLimit } from '@securemem/core/contract';

/** What a call asks the system for. That decides what the number of a refusal can mean. */
export type Asked = 'lock' | 'hidden-lock' | 'memory' | 'address-space' | 'descriptor';

/** A call that the system refused. */
export interface Refused {
  readonly syscall: string;
  readonly errno: number;
  readonly asksFor: Asked;
}

/** What can be asked about the process after a refusal was undone. Counts are asked for only where the answer needs them. */
export interface Surroundings {
  /** The unit in which the kernel counts locked bytes: a limit is rounded down to it. */
  readonly pageByteLength: number;
  lockLimit(): LockLimit;
  lockedByteLength(): number | 'unknown';
  mappings(): number | 'unknown';
  mappingsMax(): number | 'unknown';
}

/** What the error numbers of one system mean. A number is looked for in the lists that its call can have, from the top. */
export interface RefusalRules {
  /** Of a lock: the lock limit and nothing else. Of another call they are a shortage. */
  readonly lockLimit: readonly number[];
  /** The same, for a lock of hidden pages. */
  readonly hiddenLockLimit: readonly number[];
  /** Of a lock under a limit of 0: that limit. */
  /** Of bringing in a hidden page: the lock limit where one binds, which some kernels ask only then; memory where none does. */
  readonly firstTouch: readonly number[];
  readonly limitOfZero: readonly number[];
  /** The call as such is forbidden. */
  readonly forbidden: readonly number[];
  /** Of a lock: the lock limit, the mappings or memory. Of another call: the mappings or memory. */
  readonly ambiguous: readonly number[];
  /** The mappings or memory. */
  readonly shortage: readonly number[];
  /** Of address space: more than there is. */
  readonly tooLarge: readonly number[];
  /** Of a descriptor: none is left. */
  readonly noDescriptor: readonly number[];
  /** What to do about the lock limit, and where the process cannot raise it itself. */
  readonly lockRemedy: string;
  readonly raiseRemedy: string;
}

export interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** While it is made, a region needs two mappings; moving hidden pages needs room for six more (mremap_to of the kernel). */
const MAPPINGS_SLACK = 8;

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

/**
 * Why the system refused: the one answer of every backend. The same number has several causes (measured on Linux 6.18): over
 * the lock limit and out of mappings are both ENOMEM, while a limit of 0 is EPERM, as is a seccomp filter. So the limit is
 * read first, and the mappings are counted only where it explains nothing: counting costs milliseconds when there are many.
 */
export function explain(
  refused: Refused,
  requestedByteLength: number,
  rules: RefusalRules,
  around: Surroundings,
): Verdict {
  const { errno, asksFor } = refused;
  if (asksFor === 'lock' || asksFor === 'hidden-lock') {
    const limit = explainByLimit(refused, requestedByteLength, rules, around);
    if (limit !== undefined) return limit;
  }
  if (asksFor === 'hidden-lock' && rules.firstTouch.includes(errno)) {
    return memoryVerdict(requestedByteLength, false);
  }
  if (asksFor === 'descriptor' && rules.noDescriptor.includes(errno)) {
    return descriptorVerdict(requestedByteLength);
  }
  if (rules.forbidden.includes(errno)) return DENIED;
  const space = asksFor === 'address-space' || asksFor === 'hidden-lock';
  if (space && rules.tooLarge.includes(errno)) return memoryVerdict(requestedByteLength, space);
  const shortages = [rules.lockLimit, rules.ambiguous, rules.shortage];
  if (!shortages.some((numbers) => numbers.includes(errno))) return PLATFORM;
  const mappings = explainByMappings(requestedByteLength, around);
  if (mappings !== undefined) return mappings;

  // Under a finite limit: another thread locked or unlocked between the call and our look at it.
  if (asksFor === 'lock' && rules.ambiguous.includes(errno)) {
    const limit = limitOf(around);
    if (limit !== undefined) {
      return lockLimitVerdict(requestedByteLength, limit, around.lockedByteLength(), rules);
    }
  }
  return memoryVerdict(requestedByteLength, space);
}

function limitOf(around: Surroundings): number | undefined {
  const limit = around.lockLimit();
  return limit.kind === 'bytes' ? limit.byteLength : undefined;
}

/** Undefined where the lock limit does not explain the refusal of a lock. */
function explainByLimit(
  { errno, asksFor }: Refused,
  requestedByteLength: number,
  rules: RefusalRules,
  around: Surroundings,
): Verdict | undefined {
  const limit = limitOf(around);
  const locked = around.lockedByteLength();
  const verdict = () => lockLimitVerdict(requestedByteLength, limit, locked, rules);
  const certain = asksFor === 'lock' ? rules.lockLimit : rules.hiddenLockLimit;
  if (certain.includes(errno)) return verdict();
  if (limit === undefined) return undefined;
  if (asksFor === 'hidden-lock' && rules.firstTouch.includes(errno)) return verdict();
  if (limit === 0 && rules.limitOfZero.includes(errno)) return verdict();
  if (asksFor !== 'lock' || !rules.ambiguous.includes(errno)) return undefined;
  const lockable = limit - (limit % around.pageByteLength);
  const inUse = locked === 'unknown' ? 0 : locked;
  return inUse + requestedByteLength > lockable ? verdict() : undefined;
}

function explainByMappings(requestedByteLength: number, around: Surroundings): Verdict | undefined {
  const mappings = around.mappings();
  const mappingsMax = around.mappingsMax();
  if (mappings === 'unknown' || mappingsMax === 'unknown') return undefined;
  if (mappings + MAPPINGS_SLACK <= mappingsMax) return undefined;
  return mapLimitVerdict(requestedByteLength, mappings, mappingsMax);
}

function lockLimitVerdict(
  requestedByteLength: number,
  limitByteLength: number | undefined,
  locked: number | 'unknown',
  rules: RefusalRules,
): Verdict {
  return {
    code: 'ERR_SECMEM_LOCK_LIMIT',
    message:
      limitByteLength === 0
        ? 'this process may not lock memory: its lock limit is 0'
        : 'the lock limit of this process is reached',
    details: {
      limit: 'lock',
      requestedByteLength,
      ...(locked === 'unknown' ? {} : { inUseByteLength: locked }),
      ...(limitByteLength === undefined ? {} : { limitByteLength }),
      remedy: rules.lockRemedy,
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
function descriptorVerdict(requestedByteLength: number): Verdict {
  return {
    code: 'ERR_SECMEM_OUT_OF_MEMORY',
    message: 'no file descriptor is left to make this region with',
    details: {
      limit: 'descriptors',
      requestedByteLength,
      remedy: 'raise the limit of open files: ulimit -n, LimitNOFILE= in a systemd unit',
    },
  };
}

function memoryVerdict(requestedByteLength: number, space: boolean): Verdict {
  return {
    code: 'ERR_SECMEM_OUT_OF_MEMORY',
    message: space ? 'no address space for this region' : 'no memory for this region',
    details: { limit: space ? 'address-space' : 'memory', requestedByteLength },
  };
}
