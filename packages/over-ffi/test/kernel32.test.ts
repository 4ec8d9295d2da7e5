import { isSecureMemoryError } from '@securemem/core/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../src/address.js';
import { BackendErrors } from '../src/errors.js';
import { Kernel32 } from '../src/kernel32.js';
import type { Kernel32Calls } from '../src/kernel32-calls.js';
import { BASE, type Journal, journal, refused } from './fake-memory.js';

const PAGE = 4096;

interface FakeWindows {
  readonly calls: Kernel32Calls;
  readonly log: Journal;
  workingSet: [number, number];
  /** As Wine: reports success and changes nothing. */
  ignoresWorkingSet: boolean;
  showsLocks: boolean;
  protection: number;
}

function fakeWindows(): FakeWindows {
  const log = journal();
  const fake = {
    log,
    workingSet: [50 * PAGE, 345 * PAGE] as [number, number],
    ignoresWorkingSet: false,
    showsLocks: true,
    protection: 4,
  };
  const note = (event: string): void => void log.events.push(event);
  const offset = (address: Address) => Number(address - BASE) / PAGE;
  const calls: Kernel32Calls = {
    VirtualAlloc(at, byteLength, type, protect) {
      const kind = type === 0x2000 ? 'reserve' : 'commit';
      if (refused(log, kind)) return null;
      note(`${kind} ${at === null ? '' : offset(at)}+${byteLength / PAGE} as ${protect}`);
      return at ?? BASE;
    },
    VirtualFree(address, byteLength, type) {
      if (refused(log, 'VirtualFree')) return 0;
      note(`free ${offset(address)}+${byteLength} ${type.toString(16)}`);
      return 1;
    },
    VirtualProtect(address, byteLength, protect) {
      if (refused(log, 'VirtualProtect')) return 0;
      fake.protection = protect;
      note(`protect ${offset(address)}+${byteLength / PAGE} as ${protect}`);
      return 1;
    },
    VirtualLock(address, byteLength) {
      if (refused(log, 'VirtualLock')) return 0;
      note(`lock ${offset(address)}+${byteLength / PAGE}`);
      return 1;
    },
    VirtualUnlock: () => 1,
    VirtualQuery(address, words) {
      const inside = address >= BASE + BigInt(PAGE) && address < BASE + BigInt(2 * PAGE);
      (words as Uint32Array).set([inside ? 0x1000 : 0x2000, inside ? fake.protection : 0], 8);
      return 48;
    },
    K32QueryWorkingSetEx(_process, entries) {
      const words = entries as BigUint64Array;
      for (let at = 1; at < words.length; at += 2)
        words[at] = fake.showsLocks ? 1n | (1n << 22n) : 1n;
      return 1;
    },
    GetProcessWorkingSetSize(_process, minimum, maximum) {
      (minimum as BigUint64Array)[0] = BigInt(fake.workingSet[0]);
      (maximum as BigUint64Array)[0] = BigInt(fake.workingSet[1]);
      return 1;
    },
    SetProcessWorkingSetSize(_process, minimum, maximum) {
      if (refused(log, 'SetProcessWorkingSetSize')) return 0;
      if (!fake.ignoresWorkingSet) fake.workingSet = [minimum, maximum];
      return 1;
    },
    GetSystemInfo: (words) => void (words as Uint32Array).set([9, PAGE]),
    GetLastError: () => log.lastNumber,
    RtlFillMemory: (address, byteLength, byte) =>
      note(`fill ${offset(address)} ${byteLength} ${byte}`),
    RtlMoveMemory: () => note('move'),
  };
  return Object.assign(fake, { calls });
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error : String(error);
  }
  return 'nothing thrown';
}

describe('Kernel32', () => {
  let windows: FakeWindows;
  let system: Kernel32;

  beforeEach(() => {
    windows = fakeWindows();
    system = new Kernel32(windows.calls, new BackendErrors('test'));
  });

  const span = () => ({ address: (BASE + BigInt(PAGE)) as Address, byteLength: PAGE });

  it('map() commits and locks the pages between two reserved ones', () => {
    expect(system.pageByteLength).toBe(PAGE);
    expect(system.map(2 * PAGE)).toBe(BASE + BigInt(PAGE));
    expect(windows.log.events).toEqual(['reserve +4 as 1', 'commit 1+2 as 4', 'lock 1+2']);
  });

  it('A11 claims read-only at most, and no exclusion from dumps', () => {
    expect(system.observe()).toEqual({
      locking: 'locked',
      guardPages: true,
      protection: 'read-only',
      dumpExclusion: false,
      forkBehaviour: 'absent',
      kernelHidden: false,
    });
    expect(windows.log.events.at(-1)).toBe('free 0+0 8000');
  });

  it.each([
    ['commit', 8, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['commit', 1455, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['VirtualLock', 1453, 'ERR_SECMEM_LOCK_LIMIT'],
    ['VirtualLock', 5, 'ERR_SECMEM_LOCK_LIMIT'],
    ['VirtualLock', 998, 'ERR_SECMEM_PLATFORM'],
  ])('A9 X2 map() whose %s gives error %i frees all and throws %s', (name, number, code) => {
    windows.log.refusals.set(name, number);
    expect(errorOf(() => system.map(PAGE))).toMatchObject({ code, errno: number });
    expect(windows.log.events.at(-1)).toBe('free 0+0 8000');
  });

  it('map() whose reservation is refused has nothing to free', () => {
    windows.log.refusals.set('reserve', 87);
    expect(errorOf(() => system.map(PAGE))).toMatchObject({
      code: 'ERR_SECMEM_OUT_OF_MEMORY',
      details: { limit: 'address-space', requestedByteLength: PAGE },
    });
    expect(windows.log.events).toEqual([]);
  });

  it('A7 the limit is the minimum working set, and raising it enlarges that', () => {
    expect(system.lockLimit()).toEqual({ kind: 'bytes', byteLength: 50 * PAGE });
    expect(system.raiseLockLimit(40 * PAGE)).toEqual({ kind: 'bytes', byteLength: 50 * PAGE });
    expect(system.raiseLockLimit(1000 * PAGE)).toEqual({ kind: 'bytes', byteLength: 1064 * PAGE });
    expect(windows.workingSet[1]).toBeGreaterThan(windows.workingSet[0]);
  });

  it('A7 a refused raise is CANNOT_RAISE, and so is one that only reports success, as under Wine', () => {
    windows.ignoresWorkingSet = true;
    expect(errorOf(() => system.raiseLockLimit(1000 * PAGE))).toMatchObject({
      code: 'ERR_SECMEM_CANNOT_RAISE',
      syscall: undefined,
      errno: undefined,
    });
    windows.log.refusals.set('SetProcessWorkingSetSize', 1314);
    expect(errorOf(() => system.raiseLockLimit(1000 * PAGE))).toMatchObject({
      code: 'ERR_SECMEM_CANNOT_RAISE',
      errno: 1314,
    });
    expect(windows.workingSet).toEqual([50 * PAGE, 345 * PAGE]);
  });

  it('inspect() asks for state, protection and lock', () => {
    system.observe();
    const readWrite = {
      lockedByteLength: PAGE,
      protection: 'read-write',
      guarded: true,
      dumpExcluded: false,
      forkBehaviour: 'absent',
    };
    expect(system.inspect([span()])).toEqual([readWrite]);
    system.protect(span(), 'read-only', 'protect');
    expect(system.inspect([span()])).toEqual([{ ...readWrite, protection: 'read-only' }]);
    windows.showsLocks = false;
    expect(system.inspect([span()])).toMatchObject([{ lockedByteLength: 0 }]);
  });

  it('inspect() answers unknown where the working set never shows a lock, as under Wine', () => {
    windows.showsLocks = false;
    system.observe();
    expect(system.inspect([span()])).toEqual(['unknown']);
  });

  it('observe() opens also where no page can be locked now', () => {
    windows.log.refusals.set('VirtualLock', 1453);
    expect(system.observe()).toMatchObject({ locking: 'locked' });
    windows.log.refusals.set('VirtualLock', 998);
    expect(errorOf(() => system.observe())).toMatchObject({ code: 'ERR_SECMEM_PLATFORM' });
  });

  it('protect() and unmap() throw what the system said', () => {
    windows.log.refusals.set('VirtualProtect', 5).set('VirtualFree', 487);
    expect(errorOf(() => system.protect(span(), 'read-only', 'protect'))).toMatchObject({
      code: 'ERR_SECMEM_DENIED',
      operation: 'protect',
      syscall: 'VirtualProtect',
    });
    expect(errorOf(() => system.unmap(span()))).toMatchObject({
      code: 'ERR_SECMEM_PLATFORM',
      operation: 'unmap',
      errno: 487,
    });
  });
});
