import type { LockLimit } from '@securemem/core/contract';
import { describe, expect, it } from 'vitest';
import {
  explainLockRefusal,
  explainMapRefusal,
  type Refusal,
  type RefusalNumbers,
} from '../src/refusal.js';

const ENOMEM = 12;
const EAGAIN = 11;
const EPERM = 1;
const LINUX: RefusalNumbers = {
  noMemory: [ENOMEM],
  tryAgain: EAGAIN,
  lockLimit: [],
  forbidden: [EPERM],
};
const bytes = (byteLength: number): LockLimit => ({ kind: 'bytes', byteLength });
const UNLIMITED: LockLimit = { kind: 'unlimited' };

interface State {
  errno: number;
  limit: LockLimit;
  locked?: number | 'unknown';
  mappings?: number | 'unknown';
}

function refusal(state: State): Refusal {
  return {
    syscall: 'mlock',
    errno: state.errno,
    requestedByteLength: 4096,
    pageByteLength: 4096,
    lockRemedy: 'raise it',
    lockLimit: () => state.limit,
    lockedByteLength: () => state.locked ?? 0,
    mappings: () => state.mappings ?? 150,
    mappingsMax: () => 65_530,
  };
}

const lockCode = (state: State) => explainLockRefusal(refusal(state), LINUX).code;

describe('explainLockRefusal()', () => {
  it('X2 a limit of 0 is LOCK_LIMIT, though the number is that of a forbidden call', () => {
    const verdict = explainLockRefusal(refusal({ errno: EPERM, limit: bytes(0) }), LINUX);
    expect(verdict.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(verdict.details).toMatchObject({
      limit: 'lock',
      requestedByteLength: 4096,
      inUseByteLength: 0,
      limitByteLength: 0,
      remedy: 'raise it',
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
    expect(explainLockRefusal(refusal(crowded), LINUX).details).toMatchObject({
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
    const counting = refusal({ errno: ENOMEM, limit: bytes(4096), locked: 4096 });
    counting.mappings = () => {
      throw new Error('counted');
    };
    expect(explainLockRefusal(counting, LINUX).code).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('what cannot be asked leaves the limit as the likeliest cause', () => {
    const blind = { errno: ENOMEM, limit: bytes(1 << 20), locked: 'unknown', mappings: 'unknown' };
    expect(lockCode(blind as State)).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('a number that nobody knows is PLATFORM, not a capacity that might come back', () => {
    expect(lockCode({ errno: 99, limit: bytes(65_536) })).toBe('ERR_SECMEM_PLATFORM');
  });
});

describe('explainMapRefusal()', () => {
  const mapCode = (state: State) => explainMapRefusal(refusal(state), LINUX, 'memory').code;

  it('the lock limit plays no part', () => {
    expect(mapCode({ errno: ENOMEM, limit: bytes(0) })).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    expect(mapCode({ errno: EPERM, limit: bytes(0) })).toBe('ERR_SECMEM_DENIED');
  });

  it('EAGAIN of madvise at the mapping limit is MAP_LIMIT', () => {
    const crowded = { errno: EAGAIN, limit: UNLIMITED, mappings: 65_530 };
    expect(mapCode(crowded)).toBe('ERR_SECMEM_MAP_LIMIT');
  });
});
