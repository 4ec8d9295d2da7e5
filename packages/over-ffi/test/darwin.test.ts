import { isSecureMemoryError } from '@securemem/core/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../src/address.js';
import { Darwin } from '../src/darwin.js';
import type { DarwinCalls } from '../src/darwin-calls.js';
import { BackendErrors } from '../src/errors.js';
import { BASE, type Journal, journal, refused } from './fake-memory.js';

const PAGE = 16_384;
const INFINITY = 2n ** 63n - 1n;

interface FakeMac {
  readonly calls: DarwinCalls;
  readonly log: Journal;
  limits: [bigint, bigint];
  wireLimit: bigint;
}

function fakeMac(): FakeMac {
  const log = journal();
  const fake = { log, limits: [INFINITY, INFINITY] as [bigint, bigint], wireLimit: 2n ** 30n };
  const offset = (address: Address) => Number(address - BASE) / PAGE;
  const call =
    (name: string) =>
    (address: Address, byteLength: number, value?: number): number => {
      if (refused(log, name)) return -1;
      const suffix = value === undefined ? '' : ` ${value}`;
      log.events.push(`${name} ${offset(address)}+${byteLength / PAGE}${suffix}`);
      return 0;
    };
  const calls: DarwinCalls = {
    mmap(_at, byteLength, prot) {
      if (refused(log, 'mmap')) return (2n ** 64n - 1n) as Address;
      log.events.push(`mmap +${byteLength / PAGE} ${prot}`);
      return BASE;
    },
    munmap: call('munmap'),
    mprotect: call('mprotect'),
    mlock: call('mlock'),
    munlock: call('munlock'),
    minherit: call('minherit'),
    memset: () => undefined,
    memmove: () => undefined,
    getrlimit(_resource, words) {
      words.set(fake.limits);
      return 0;
    },
    setrlimit(_resource, words) {
      if (refused(log, 'setrlimit')) return -1;
      fake.limits = [...words] as [bigint, bigint];
      return 0;
    },
    sysctlbyname(_name, value) {
      if (refused(log, 'sysctlbyname')) return -1;
      value[0] = fake.wireLimit;
      return 0;
    },
    getpagesize: () => PAGE,
    errno: () => log.lastNumber,
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

describe('Darwin', () => {
  let mac: FakeMac;
  let system: Darwin;

  beforeEach(() => {
    mac = fakeMac();
    system = new Darwin(mac.calls, new BackendErrors('test'));
  });

  it('map() opens the pages, keeps them from children, and locks them', () => {
    expect(system.map(PAGE)).toBe(BASE + BigInt(PAGE));
    expect(mac.log.events).toEqual(['mmap +3 0', 'mprotect 1+1 3', 'minherit 1+1 2', 'mlock 1+1']);
  });

  it('claims no exclusion from dumps, and says inherited where minherit is refused', () => {
    expect(system.observe()).toMatchObject({ dumpExclusion: false, forkBehaviour: 'absent' });
    mac.log.refusals.set('minherit', 22);
    expect(system.observe()).toMatchObject({ forkBehaviour: 'inherited' });
    expect(errorOf(() => system.map(PAGE))).toBe('nothing thrown');
  });

  it.each([
    ['mprotect', 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mlock', 35, 'ERR_SECMEM_LOCK_LIMIT'],
    ['mlock', 1, 'ERR_SECMEM_DENIED'],
    ['minherit', 22, 'ERR_SECMEM_PLATFORM'],
  ])('A9 X2 map() whose %s gives error %i unmaps all and throws %s', (name, errno, code) => {
    mac.log.refusals.set(name, errno);
    expect(errorOf(() => system.map(PAGE))).toMatchObject({ code, errno, syscall: name });
    expect(mac.log.events.at(-1)).toBe('munmap 0+3');
    expect(mac.log.events.includes('munlock 1+1')).toBe(name === 'mlock');
  });

  it('X4 the limit is the smaller one of the soft limit and the wired-memory limit, and unknown without either', () => {
    mac.limits = [65_536n, INFINITY];
    expect(system.lockLimit()).toEqual({ kind: 'bytes', byteLength: 65_536 });
    mac.limits = [2n ** 40n, INFINITY];
    expect(system.lockLimit()).toEqual({ kind: 'bytes', byteLength: 2 ** 30 });
    mac.limits = [INFINITY, INFINITY];
    expect(system.lockLimit()).toEqual({ kind: 'bytes', byteLength: 2 ** 30 });
    mac.log.refusals.set('sysctlbyname', 2);
    expect(system.lockLimit()).toEqual({ kind: 'unknown' });
  });

  it('A7 raises the soft limit to at most the hard one', () => {
    mac.limits = [65_536n, 2n ** 20n];
    expect(system.raiseLockLimit(2 ** 20)).toEqual({ kind: 'bytes', byteLength: 2 ** 20 });
    const beyond = errorOf(() => system.raiseLockLimit(2 ** 21));
    expect(beyond).toMatchObject({ code: 'ERR_SECMEM_CANNOT_RAISE' });
    expect(mac.limits).toEqual([2n ** 20n, 2n ** 20n]);
    mac.limits = [65_536n, INFINITY];
    const wired = errorOf(() => system.raiseLockLimit(2 ** 31));
    expect(wired).toMatchObject({
      code: 'ERR_SECMEM_CANNOT_RAISE',
      details: { hardLimitByteLength: 2 ** 30 },
    });
    expect(mac.limits).toEqual([65_536n, INFINITY]);
  });

  it('inspect() and lockedByteLength() do not pretend to know', () => {
    const span = { address: system.map(PAGE), byteLength: PAGE };
    expect(system.inspect([span])).toEqual(['unknown']);
    expect(system.lockedByteLength()).toBe('unknown');
  });
});
