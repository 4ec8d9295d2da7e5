import type { LockLimit } from '@securemem/core/contract';
import type { BackendErrors } from '@securemem/over-ffi/errors';
import {
  type LockNumbers,
  lockLimitOf,
  raiseLockLimit,
  workingSetFor,
} from '@securemem/over-ffi/lock-limit';
import type { Refused, Surroundings } from '@securemem/over-ffi/refusal';
import { rulesHere } from '@securemem/over-ffi/refusal-rules';
import type { Binding } from './binding.js';
import { Status } from './status.js';

const UNLIMITED = -1;

/** Read into the same numbers each time: the limit is asked before every admission. */
const numbers = new Float64Array(4);
const counts = new Float64Array(2);

/** A number of the addon: -1 is unlimited, -2 unknown. */
function bytesOf(value: number): number | undefined {
  if (value >= 0) return value;
  return value === UNLIMITED ? Number.POSITIVE_INFINITY : undefined;
}

function known(value: number): number | 'unknown' {
  return value < 0 ? 'unknown' : value;
}

function lockNumbers(binding: Binding): LockNumbers {
  binding.lockNumbers(numbers);
  const [soft, hard, system, exempt] = numbers as unknown as [number, number, number, number];
  const windows = process.platform === 'win32';
  return {
    soft: bytesOf(soft),
    // There it is the maximum of the working set, which is no bound.
    hard: windows ? Number.POSITIVE_INFINITY : (bytesOf(hard) ?? Number.POSITIVE_INFINITY),
    system: bytesOf(system),
    exempt: () => exempt === 1,
  };
}

export function lockLimit(binding: Binding): LockLimit {
  return lockLimitOf(lockNumbers(binding));
}

/** `refusal` is what the addon was refused last. */
export function raise(
  binding: Binding,
  byteLength: number,
  errors: BackendErrors,
  refusal: () => Refused,
): LockLimit {
  const port = {
    numbers: () => lockNumbers(binding),
    set: (wanted: number) => {
      const [minimum = 0, maximum = 0] = numbers;
      const windows = process.platform === 'win32';
      const { pageByteLength } = binding;
      const set = windows ? workingSetFor(wanted, pageByteLength, { minimum, maximum }) : undefined;
      const status = binding.setLockLimit(set?.minimum ?? wanted, set?.maximum ?? 0);
      return status === Status.ok ? undefined : refusal();
    },
  };
  return raiseLockLimit(port, byteLength, rulesHere().raiseRemedy, errors);
}

export function lockedByteLength(binding: Binding): number | 'unknown' {
  return known(binding.lockedByteLength());
}

/** What can be asked about the process after a refusal. */
export function surroundings(binding: Binding): Surroundings {
  const count = (index: number) => {
    binding.mappings(counts);
    return known(counts[index] as number);
  };
  return {
    pageByteLength: binding.pageByteLength,
    lockLimit: () => lockLimit(binding),
    lockedByteLength: () => lockedByteLength(binding),
    mappings: () => count(0),
    mappingsMax: () => count(1),
  };
}
