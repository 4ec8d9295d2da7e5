import { readFileSync } from 'node:fs';
import { isSecureMemoryError } from '@securemem/core/contract';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { Linux } from '@securemem/over-ffi/linux';
import { AnonymousPages } from '@securemem/over-ffi/linux-anonymous';
import { bindLinuxCalls, type LinuxCalls } from '@securemem/over-ffi/linux-calls';
import { describe, expect, it } from 'vitest';
import { koffi } from '../src/ffi.js';
import { runChild } from './children.js';

const PAGE = 4096;
const errors = new BackendErrors('koffi');
const linux = (calls: LinuxCalls) => new Linux(calls, errors, AnonymousPages);
const ENOMEM = 12;

/** Makes the n-th call of one function fail with a number, without the system call being made. */
function failing(
  calls: LinuxCalls,
  name: keyof LinuxCalls,
  nth: number,
  errno: number,
): LinuxCalls {
  let count = 0;
  let failed = false;
  const original = calls[name] as (...parameters: unknown[]) => unknown;
  return {
    ...calls,
    [name]: (...parameters: unknown[]) => {
      count += 1;
      failed = count === nth;
      if (!failed) return original(...parameters);
      return name === 'mmap' ? 2n ** 64n - 1n : -1;
    },
    errno: () => (failed ? errno : calls.errno()),
  };
}

function lockedKilobytes(): number {
  return Number(/VmLck:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
}

/** Anonymous mappings of whole pages that nobody may touch or that are not dumped: what a leaked region would add to. */
function guardedMappings(): number {
  return readFileSync('/proc/self/smaps', 'latin1').match(/^VmFlags:.* (lo|dd) /gm)?.length ?? 0;
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : error;
  }
  return 'nothing thrown';
}

describe('Linux', () => {
  const calls = bindLinuxCalls(koffi.load());

  it.each([
    ['mmap', 1, ENOMEM, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mprotect', 1, ENOMEM, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mlock', 1, ENOMEM, /LOCK_LIMIT|OUT_OF_MEMORY/],
    ['mlock', 1, 1, /DENIED|LOCK_LIMIT/],
    ['madvise', 1, 22, 'ERR_SECMEM_PLATFORM'],
    ['madvise', 2, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
  ] as const)(
    'A9 map() whose %s no. %i gives error %i leaves nothing',
    (name, nth, errno, code) => {
      const lockedBefore = lockedKilobytes();
      const guardedBefore = guardedMappings();
      for (let round = 0; round < 20; round += 1) {
        const system = linux(failing(calls, name, nth, errno));
        expect(codeOf(() => system.map(4 * PAGE))).toMatch(code);
        system.close();
      }
      expect(lockedKilobytes()).toBe(lockedBefore);
      expect(guardedMappings()).toBe(guardedBefore);
    },
  );

  it('observe() says what is missing where the kernel refuses an advice, and map() then does without', () => {
    const system = linux({ ...calls, madvise: () => -1 });
    expect(system.observe()).toMatchObject({ dumpExclusion: false, forkBehaviour: 'inherited' });
    const span = { address: system.map(PAGE), byteLength: PAGE };
    expect(system.inspect([span])[0]).toMatchObject({
      dumpExcluded: false,
      forkBehaviour: 'inherited',
    });
    system.unmap(span);
    system.close();
  });

  it('observe() does not believe an advice that reports success and does nothing', () => {
    const system = linux({ ...calls, madvise: () => 0 });
    expect(system.observe()).toMatchObject({ dumpExclusion: false, forkBehaviour: 'inherited' });
    system.close();
  });

  it('observe() refuses a kernel that reports a lock and has none', () => {
    const system = linux({ ...calls, mlock: () => 0 });
    expect(codeOf(() => system.observe())).toBe('ERR_SECMEM_BACKEND_UNAVAILABLE');
    system.close();
  });

  it('map() takes no more address space than the kernel could ever hold', () => {
    const system = linux(calls);
    expect(codeOf(() => system.map(2 ** 42))).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    expect(codeOf(() => system.map(2 ** 52))).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    system.close();
  });
});

/**
 * With no mapping left the engine aborts as soon as it wants one itself. These keep it from wanting one for a moment: no
 * parallel collector, a young generation that does not grow, and a C heap that grows at its end.
 */
const QUIET_ENGINE = [
  '--single-threaded-gc',
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
];
const QUIET_MALLOC = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '1073741824',
  MALLOC_TOP_PAD_: '67108864',
};

describe('Linux under a lock limit', () => {
  const FILL = `
    const backend = koffiBackend();
    const regions = [];
    let error;
    try { for (;;) regions.push(backend.map(4096)); } catch (thrown) { error = thrown; }
  `;

  it('X1 X2 the 17th page under 64 KiB is LOCK_LIMIT with the numbers, and charges nothing', () => {
    const child = runChild(
      `${FILL}
      say({ regions: regions.length, code: error.code, errno: error.errno, syscall: error.syscall,
        details: error.details, lockedKilobytes: status('VmLck'), limit: backend.lockLimit() });`,
      { soft: 65_536, hard: 65_536 },
    );
    expect(child.result).toMatchObject({
      regions: 16,
      code: 'ERR_SECMEM_LOCK_LIMIT',
      errno: ENOMEM,
      syscall: 'mlock',
      lockedKilobytes: 64,
      limit: { kind: 'bytes', byteLength: 65_536 },
      details: { limit: 'lock', inUseByteLength: 65_536, limitByteLength: 65_536 },
    });
  });

  it('A9 a refused map() leaves no mapping, and a released region makes room again', () => {
    const child = runChild(
      `${FILL}
      attempt(() => backend.map(4096));
      const before = mappings();
      for (let round = 0; round < 200; round += 1) attempt(() => backend.map(8192));
      const grown = mappings() - before;
      backend.unmap(regions.pop());
      const again = attempt(() => backend.map(4096));
      say({ grown, again });`,
      { soft: 65_536, hard: 65_536 },
    );
    expect(child.result).toMatchObject({ again: 'done' });
    expect((child.result as { grown: number }).grown).toBeLessThan(20);
  });

  it('X2 M12 under a limit of 0 it opens, map() is LOCK_LIMIT, and probe() names the limit', () => {
    const child = runChild(
      `const probed = koffiBackend.probe();
      const backend = koffiBackend();
      say({ probed, locking: backend.capabilities.locking, code: attempt(() => backend.map(4096)),
        raise: attempt(() => backend.raiseLockLimit(4096)), lockedKilobytes: status('VmLck') });`,
      { soft: 0, hard: 0 },
    );
    expect(child.result).toMatchObject({
      probed: { available: false, reason: expect.stringContaining('RLIMIT_MEMLOCK') },
      locking: 'locked',
      code: 'ERR_SECMEM_LOCK_LIMIT',
      raise: 'ERR_SECMEM_CANNOT_RAISE',
      lockedKilobytes: 0,
    });
  });

  it('X4 A7 reports the soft limit and raises it up to the hard one, never beyond', () => {
    const child = runChild(
      `const backend = koffiBackend();
      const before = backend.lockLimit();
      const refused = attempt(() => backend.raiseLockLimit(2 ** 20 + 1));
      const unchanged = backend.lockLimit();
      const raised = backend.raiseLockLimit(2 ** 20);
      const kept = backend.raiseLockLimit(4096);
      const maps = attempt(() => backend.map(2 ** 20));
      say({ before, refused, unchanged, raised, kept, maps });`,
      { soft: 65_536, hard: 2 ** 20 },
    );
    const low = { kind: 'bytes', byteLength: 65_536 };
    const high = { kind: 'bytes', byteLength: 2 ** 20 };
    expect(child.result).toEqual({
      before: low,
      refused: 'ERR_SECMEM_CANNOT_RAISE',
      unchanged: low,
      raised: high,
      kept: high,
      maps: 'done',
    });
  });

  it('X3 X13 at the mapping limit map() is MAP_LIMIT; whole regions still close, open and go', () => {
    const child = runChild(
      `
      const backend = koffiBackend();
      const regions = [backend.map(8192), backend.map(8192)];
      const lib = koffi().load(null);
      const mmap = lib.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64_t']);
      const mprotect = lib.func('mprotect', 'int', ['void *', 'size_t', 'int']);
      const base = Number(mmap(null, 70000 * 4096, 0, 0x4022, -1, 0));
      const locked = status('VmLck');
      let page = 1;
      globalThis.gc();
      while (mprotect(base + page * 4096, 4096, 3) === 0) page += 2;
      const attempts = [];
      const toggled = attempt(() => {
        backend.protect(regions[0], 'no-access');
        backend.protect(regions[0], 'read-write');
      });
      while (attempts.length < 128 && attempts.at(-1) !== 'done') {
        attempts.push(attempt(() => regions.push(backend.map(4096))));
        page -= 2;
        if (attempts.at(-1) !== 'done') mprotect(base + page * 4096, 4096, 0);
      }
      const unmapped = regions.map((region) => attempt(() => backend.unmap(region)));
      say({ attempts, toggled, unmapped, locked, lockedAfter: status('VmLck') });`,
      null,
      ['--expose-gc', ...QUIET_ENGINE],
      QUIET_MALLOC,
    );
    const result = child.result as { attempts: string[]; [name: string]: unknown };
    expect(result.attempts.at(0)).toBe('ERR_SECMEM_MAP_LIMIT');
    expect(result.attempts.at(-1)).toBe('done');
    expect(new Set(result.attempts.slice(0, -1))).toEqual(new Set(['ERR_SECMEM_MAP_LIMIT']));
    expect(result).toMatchObject({
      toggled: 'done',
      unmapped: ['done', 'done', 'done'],
      locked: 16,
      lockedAfter: 0,
    });
  });
});
