import { isSecureMemoryError } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import { BackendErrors } from '../src/errors.js';
import { type LockNumbers, lockLimitOf, raiseLockLimit, workingSetFor } from '../src/lock-limit.js';

const NONE = Number.POSITIVE_INFINITY;
const numbers = (some: Partial<LockNumbers>): LockNumbers => ({
  soft: 65_536,
  hard: NONE,
  system: NONE,
  exempt: () => false,
  ...some,
});
const bytes = (byteLength: number) => ({ kind: 'bytes', byteLength });

describe('lockLimitOf()', () => {
  it.each([
    ['the soft limit', {}, bytes(65_536)],
    ['a limit of 0', { soft: 0 }, bytes(0)],
    ['none', { soft: NONE }, { kind: 'unlimited' }],
    ['one that does not bind this process', { exempt: () => true }, { kind: 'unlimited' }],
    ['a soft limit that cannot be read', { soft: undefined }, { kind: 'unknown' }],
    ['the limit of the system below the soft one', { system: 4096 }, bytes(4096)],
    ['the soft limit below that of the system', { system: 2 ** 30 }, bytes(65_536)],
    ['the limit of the system alone', { soft: NONE, system: 2 ** 30 }, bytes(2 ** 30)],
    ['a system that does not tell its own', { system: undefined }, bytes(65_536)],
    ['neither', { soft: NONE, system: undefined }, { kind: 'unknown' }],
    ['a limit beyond what a number holds', { soft: 2 ** 63 }, bytes(Number.MAX_SAFE_INTEGER)],
  ])('X4 of %s', (_name, some, limit) => {
    expect(lockLimitOf(numbers(some))).toEqual(limit);
  });

  it('asks for the privilege only where there is a limit', () => {
    const exempt = () => {
      throw new Error('asked');
    };
    expect(lockLimitOf(numbers({ soft: NONE, exempt }))).toEqual({ kind: 'unlimited' });
  });
});

/** A process with these numbers; every value that was set is noted. */
function raised(some: Partial<LockNumbers>, wanted: number, answer: 'done' | 'ignored' | number) {
  let now = numbers(some);
  const set: number[] = [];
  const port = {
    numbers: () => now,
    set(byteLength: number) {
      set.push(byteLength);
      if (typeof answer === 'number') {
        return { syscall: 'setrlimit', errno: answer, asksFor: 'lock' } as const;
      }
      if (answer === 'done') now = { ...now, soft: byteLength };
      return undefined;
    },
  };
  try {
    return { set, limit: raiseLockLimit(port, wanted, 'raise it', new BackendErrors('test')) };
  } catch (error) {
    if (!isSecureMemoryError(error, 'ERR_SECMEM_CANNOT_RAISE')) throw error;
    return { set, syscall: error.syscall, errno: error.errno, details: error.details };
  }
}

describe('raiseLockLimit()', () => {
  it('A7 sets what was asked for, up to the hard limit', () => {
    expect(raised({ hard: 2 ** 20 }, 2 ** 20, 'done')).toEqual({
      set: [2 ** 20],
      limit: bytes(2 ** 20),
    });
  });

  it.each([
    ['as much already', {}, 65_536, bytes(65_536)],
    ['none', { soft: NONE }, 2 ** 30, { kind: 'unlimited' }],
  ])('A7 sets nothing where the limit is %s', (_name, some, wanted, limit) => {
    expect(raised(some, wanted, 'done')).toEqual({ set: [], limit });
  });

  it.each([
    ['the hard limit', { hard: 2 ** 20 }, { hardLimitByteLength: 2 ** 20 }],
    ['the limit of the system', { system: 2 ** 20 }, { hardLimitByteLength: 2 ** 20 }],
    ['what can be read', { soft: undefined }, {}],
  ])('A7 beyond %s throws before anything is set', (_name, some, details) => {
    const { set, syscall, errno, details: told } = raised(some, 2 ** 21, 'done');
    expect({ set, syscall, errno }).toEqual({ set: [], syscall: undefined, errno: undefined });
    expect(told).toMatchObject({ requestedByteLength: 2 ** 21, remedy: 'raise it', ...details });
  });

  it('A7 tells what was refused, and what was reported done and is not', () => {
    const refused = raised({}, 2 ** 20, 1);
    expect(refused).toMatchObject({ set: [2 ** 20], syscall: 'setrlimit', errno: 1 });
    expect(raised({}, 2 ** 20, 'ignored')).toMatchObject({
      set: [2 ** 20],
      syscall: undefined,
      details: { limitByteLength: 65_536 },
    });
  });
});

describe('workingSetFor()', () => {
  it('is larger than what is to be locked by 64 pages, and keeps the room above', () => {
    const set = workingSetFor(2 ** 20, 4096, { minimum: 204_800, maximum: 1_413_120 });
    expect(set.minimum).toBe(2 ** 20 + 64 * 4096);
    expect(set.maximum - set.minimum).toBe(1_413_120 - 204_800);
  });

  it('never makes the maximum smaller', () => {
    expect(workingSetFor(4096, 4096, { minimum: 4096, maximum: 2 ** 40 }).maximum).toBe(
      2 ** 40 + 64 * 4096,
    );
  });
});
