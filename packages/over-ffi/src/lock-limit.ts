import type { LockLimit } from '@securemem/core/contract';
import type { BackendErrors } from './errors.js';
import type { Refused } from './refusal.js';

/** What a system says of locking. Bytes; Infinity where there is no such limit, undefined where it does not say. */
export interface LockNumbers {
  /** The limit that the process may raise itself. On Windows the minimum of the working set. */
  readonly soft: number | undefined;
  /** How far it may raise that. */
  readonly hard: number;
  /** What all processes together may lock, where the system has such a limit as macOS has. */
  readonly system: number | undefined;
  /** Whether the limit does not bind this process. Asked only where there is one. */
  exempt(): boolean;
}

/** The limit that binds: the smaller one of the process's own and the system's. */
export function lockLimitOf(numbers: LockNumbers): LockLimit {
  const { soft, system } = numbers;
  if (soft === undefined) return { kind: 'unknown' };
  const smaller = Math.min(soft, system ?? Number.POSITIVE_INFINITY);
  if (smaller === Number.POSITIVE_INFINITY) {
    return { kind: system === undefined ? 'unknown' : 'unlimited' };
  }
  if (numbers.exempt()) return { kind: 'unlimited' };
  return { kind: 'bytes', byteLength: Math.min(smaller, Number.MAX_SAFE_INTEGER) };
}

/** How one backend gets at the limit. */
export interface LockLimitPort {
  numbers(): LockNumbers;
  /** Makes `byteLength` the soft limit; what was refused, where it was. */
  set(byteLength: number): Refused | undefined;
}

/**
 * Raises the soft limit, to the hard one at most: that is an administrator's word, also where a privilege would let us pass
 * it. Whether it can do is looked at before anything is set, and what was set is looked at afterwards, since a system may
 * report success and change nothing (Wine). Throws `ERR_SECMEM_CANNOT_RAISE`.
 */
export function raiseLockLimit(
  port: LockLimitPort,
  byteLength: number,
  remedy: string,
  errors: BackendErrors,
): LockLimit {
  const numbers = port.numbers();
  const before = lockLimitOf(numbers);
  if (before.kind === 'unlimited') return before;
  if (before.kind === 'bytes' && before.byteLength >= byteLength) return before;
  const hard = Math.min(numbers.hard, numbers.system ?? Number.POSITIVE_INFINITY);
  const cannot = ({ syscall, errno }: { syscall: string; errno: number }) =>
    errors.system(
      'ERR_SECMEM_CANNOT_RAISE',
      'raiseLockLimit',
      syscall,
      errno,
      'the system does not let this process lock so much',
      {
        limit: 'lock',
        requestedByteLength: byteLength,
        ...(before.kind === 'bytes' ? { limitByteLength: before.byteLength } : {}),
        ...(hard === Number.POSITIVE_INFINITY ? {} : { hardLimitByteLength: hard }),
        remedy,
      },
    );
  const notTried = { syscall: '', errno: 0 };
  if (numbers.soft === undefined || byteLength > hard) throw cannot(notTried);
  if (numbers.soft < byteLength) {
    const refused = port.set(byteLength);
    if (refused !== undefined) throw cannot(refused);
  }
  const now = lockLimitOf(port.numbers());
  if (now.kind === 'bytes' && now.byteLength < byteLength) throw cannot(notTried);
  return now;
}

/**
 * What Windows keeps back: a process locks at most its minimum working set "minus a small overhead" that the manual does not
 * give. 64 pages are a quarter of a megabyte.
 */
const OVERHEAD_PAGES = 64;

/** The working set under which `byteLength` bytes can be locked. The room above the minimum stays what it was. */
export function workingSetFor(
  byteLength: number,
  pageByteLength: number,
  now: { readonly minimum: number; readonly maximum: number },
): { readonly minimum: number; readonly maximum: number } {
  const minimum = byteLength + OVERHEAD_PAGES * pageByteLength;
  return { minimum, maximum: Math.max(now.maximum, minimum + (now.maximum - now.minimum)) };
}
