import type { LockLimit } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import { type Asked, explain, type Refused, type Surroundings } from '../src/refusal.js';
import { DARWIN, LINUX, WINDOWS } from '../src/refusal-rules.js';

const ENOMEM = 12;
const EAGAIN = 11;
const EPERM = 1;
const EFAULT = 14;
const bytes = (byteLength: number): LockLimit => ({ kind: 'bytes', byteLength });
const UNLIMITED: LockLimit = { kind: 'unlimited' };

interface State {
  errno: number;
  limit: LockLimit;
  locked?: number | 'unknown';
  mappings?: number | 'unknown';
}

function around(state: State): Surroundings {
  return {
    pageByteLength: 4096,
    lockLimit: () => state.limit,
    lockedByteLength: () => state.locked ?? 0,
    mappings: () => state.mappings ?? 150,
    mappingsMax: () => 65_530,
  };
}

function refused(errno: number, asksFor: Asked): Refused {
  return { syscall: 'mlock', errno, asksFor };
}

const explained = (state: State, asksFor: Asked = 'lock') =>
  explain(refused(state.errno, asksFor), 4096, LINUX, around(state));
const lockCode = (state: State) => explained(state).code;

describe('explain() of a lock', () => {
  it('X2 a limit of 0 is LOCK_LIMIT, though the number is that of a forbidden call', () => {
    const verdict = explained({ errno: EPERM, limit: bytes(0) });
    expect(verdict.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(verdict.details).toMatchObject({
      limit: 'lock',
      requestedByteLength: 4096,
      inUseByteLength: 0,
      limitByteLength: 0,
      remedy: LINUX.lockRemedy,
    });
  });

  it('X2 the same number under a positive limit is DENIED', () => {
    expect(lockCode({ errno: EPERM, limit: bytes(65_536) })).toBe('ERR_SECMEM_DENIED');
    expect(lockCode({ errno: EPERM, limit: UNLIMITED })).toBe('ERR_SECMEM_DENIED');
  });

  it('X3 locked bytes and the request beyond the limit are LOCK_LIMIT', () => {
    const full = { errno: ENOMEM, limit: bytes(65_536), locked: 65_536 };
    expect(lockCode(full)).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(lockCode({ ...full, mappings: 65_531 })).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('X3 the same number with room under the limit and no mapping left is MAP_LIMIT', () => {
    const crowded = { errno: ENOMEM, limit: bytes(1 << 20), locked: 4096, mappings: 65_529 };
    expect(lockCode(crowded)).toBe('ERR_SECMEM_MAP_LIMIT');
    expect(lockCode({ ...crowded, limit: UNLIMITED })).toBe('ERR_SECMEM_MAP_LIMIT');
    expect(explained(crowded).details).toMatchObject({
      limit: 'mappings',
      mappings: 65_529,
      mappingsMax: 65_530,
    });
  });

  it('X3 the same number with room for both is OUT_OF_MEMORY where nothing limits locking', () => {
    expect(lockCode({ errno: ENOMEM, limit: UNLIMITED })).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    expect(lockCode({ errno: EAGAIN, limit: bytes(65_536) })).toBe('ERR_SECMEM_OUT_OF_MEMORY');
  });

  it('a limit is rounded down to pages, as the kernel does', () => {
    const nearly = { errno: ENOMEM, limit: bytes(8191), locked: 4096 };
    expect(lockCode(nearly)).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('the mappings are not counted where the limit explains the refusal', () => {
    const counting = around({ errno: ENOMEM, limit: bytes(4096), locked: 4096 });
    counting.mappings = () => {
      throw new Error('counted');
    };
    const verdict = explain(refused(ENOMEM, 'lock'), 4096, LINUX, counting);
    expect(verdict.code).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('what cannot be asked leaves the limit as the likeliest cause', () => {
    const blind = { errno: ENOMEM, limit: bytes(1 << 20), locked: 'unknown', mappings: 'unknown' };
    expect(lockCode(blind as State)).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('a number that nobody knows is PLATFORM, not a capacity that might come back', () => {
    expect(lockCode({ errno: 99, limit: bytes(65_536) })).toBe('ERR_SECMEM_PLATFORM');
  });
});

describe('explain() of what needs no lock', () => {
  const mapCode = (state: State) => explained(state, 'memory').code;

  it('the lock limit plays no part', () => {
    expect(mapCode({ errno: ENOMEM, limit: bytes(0) })).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    expect(mapCode({ errno: EPERM, limit: bytes(0) })).toBe('ERR_SECMEM_DENIED');
  });

  it('V4 a first touch that is refused where no limit binds is OUT_OF_MEMORY', () => {
    const { code } = explained({ errno: EFAULT, limit: UNLIMITED }, 'hidden-lock');
    expect(code).toBe('ERR_SECMEM_OUT_OF_MEMORY');
  });

  it('EAGAIN of madvise at the mapping limit is MAP_LIMIT', () => {
    const crowded = { errno: EAGAIN, limit: UNLIMITED, mappings: 65_530 };
    expect(mapCode(crowded)).toBe('ERR_SECMEM_MAP_LIMIT');
  });
});

/** What every backend answers, a line for each number that a system gives: nothing else decides it. */
describe('X2 the answer to a number', () => {
  const free = { limit: bytes(1 << 20) };
  it.each([
    ['Linux', EAGAIN, 'hidden-lock', 'LOCK_LIMIT', LINUX],
    ['Linux', ENOMEM, 'hidden-lock', 'OUT_OF_MEMORY', LINUX],
    ['Linux', EFAULT, 'hidden-lock', 'LOCK_LIMIT', LINUX],
    ['Linux', EFAULT, 'memory', 'PLATFORM', LINUX],
    ['Linux', EAGAIN, 'lock', 'OUT_OF_MEMORY', LINUX],
    ['Linux', ENOMEM, 'lock', 'LOCK_LIMIT', LINUX],
    ['Linux', EPERM, 'lock', 'DENIED', LINUX],
    ['Linux', 13, 'memory', 'DENIED', LINUX],
    ['Linux', 38, 'descriptor', 'DENIED', LINUX],
    ['Linux', 24, 'descriptor', 'OUT_OF_MEMORY', LINUX],
    ['Linux', 23, 'descriptor', 'OUT_OF_MEMORY', LINUX],
    ['Linux', 24, 'memory', 'PLATFORM', LINUX],
    ['Linux', EAGAIN, 'memory', 'OUT_OF_MEMORY', LINUX],
    ['Linux', 22, 'memory', 'PLATFORM', LINUX],
    ['macOS', 35, 'lock', 'LOCK_LIMIT', DARWIN],
    ['macOS', 12, 'lock', 'LOCK_LIMIT', DARWIN],
    ['macOS', 35, 'memory', 'OUT_OF_MEMORY', DARWIN],
    ['macOS', 1, 'memory', 'DENIED', DARWIN],
    ['macOS', 22, 'memory', 'PLATFORM', DARWIN],
    ['Windows', 1453, 'lock', 'LOCK_LIMIT', WINDOWS],
    ['Windows', 5, 'lock', 'LOCK_LIMIT', WINDOWS],
    ['Windows', 5, 'memory', 'DENIED', WINDOWS],
    ['Windows', 8, 'lock', 'OUT_OF_MEMORY', WINDOWS],
    ['Windows', 1455, 'memory', 'OUT_OF_MEMORY', WINDOWS],
    ['Windows', 87, 'address-space', 'OUT_OF_MEMORY', WINDOWS],
    ['Windows', 87, 'memory', 'PLATFORM', WINDOWS],
  ] as const)('of %s: no. %i of a call for %s is %s', (_system, errno, asksFor, code, rules) => {
    const verdict = explain(refused(errno, asksFor), 4096, rules, around({ errno, ...free }));
    expect(verdict.code).toBe(`ERR_SECMEM_${code}`);
  });

  it('a limit of 0 does not explain what a sandbox answers to every call', () => {
    const zero = around({ errno: 38, limit: bytes(0) });
    expect(explain(refused(38, 'lock'), 4096, LINUX, zero).code).toBe('ERR_SECMEM_DENIED');
    expect(explain(refused(22, 'lock'), 4096, LINUX, zero).code).toBe('ERR_SECMEM_PLATFORM');
  });
});
