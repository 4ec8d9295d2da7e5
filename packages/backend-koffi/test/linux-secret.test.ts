import { readFileSync } from 'node:fs';
import { isSecureMemoryError } from '@securemem/core/contract';
import type { Address } from '@securemem/over-ffi';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { Linux } from '@securemem/over-ffi/linux';
import { bindLinuxCalls, type LinuxCalls } from '@securemem/over-ffi/linux-calls';
import { kernelCannotRead, SecretPages } from '@securemem/over-ffi/linux-secret';
import { beforeEach, describe, expect, it } from 'vitest';
import { koffi } from '../src/ffi.js';
import { runChild } from './children.js';

const PAGE = 4096;
const FAILED = 2n ** 64n - 1n;
const real = bindLinuxCalls(koffi.load());
const errors = new BackendErrors('koffi');

/** The n-th call of one function fails with a number, and every unmapping is noted. */
function failing(name: keyof LinuxCalls, nth: number, errno: number) {
  const unmapped: [Address, number][] = [];
  let count = 0;
  let failed = false;
  const calls: LinuxCalls = {
    ...real,
    [name]: (...values: never[]) => {
      count += 1;
      failed = count === nth;
      if (failed) return name === 'mmap' || name === 'mremap' ? FAILED : -1;
      return (real[name] as (...values: never[]) => unknown)(...values);
    },
    munmap: (address, byteLength) => {
      unmapped.push([address, byteLength]);
      return real.munmap(address, byteLength);
    },
    errno: () => (failed ? errno : real.errno()),
  };
  return { calls, unmapped, system: new Linux(calls, errors, SecretPages) };
}

/** What a refused region could leave behind: locked bytes, descriptors, pages of memfd_secret. */
function left(): object {
  const smaps = readFileSync('/proc/self/smaps', 'latin1');
  return {
    locked: /VmLck:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1],
    hidden: smaps.match(/secretmem/g)?.length ?? 0,
  };
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : error;
  }
  return 'nothing thrown';
}

describe('regions of memfd_secret', () => {
  beforeEach((context) => {
    if (real.syscall(447, 0) < 0)
      context.skip('not proven: this kernel gives no memfd_secret pages');
  });

  it.each([
    ['syscall', 1, 24, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['syscall', 1, 38, 'ERR_SECMEM_DENIED'],
    ['ftruncate', 1, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mmap', 1, 11, /LOCK_LIMIT|OUT_OF_MEMORY/],
    ['mmap', 1, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['madvise', 1, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mmap', 2, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['mremap', 1, 12, 'ERR_SECMEM_OUT_OF_MEMORY'],
    ['syscall', 2, 14, /LOCK_LIMIT|OUT_OF_MEMORY/],
    ['syscall', 5, 14, /LOCK_LIMIT|OUT_OF_MEMORY/],
  ] as const)(
    'A9 map() whose %s no. %i gives error %i leaves nothing',
    (name, nth, errno, code) => {
      const before = left();
      for (let round = 0; round < 20; round += 1) {
        const { system } = failing(name, nth, errno);
        expect(codeOf(() => system.map(4 * PAGE))).toMatch(code);
        system.close();
      }
      expect(left()).toEqual(before);
    },
  );

  it('C1 a refused move gives back the reservation, which is still whole, and the pages where they were', () => {
    const { system, unmapped } = failing('mremap', 1, 12);
    codeOf(() => system.map(4 * PAGE));
    system.close();
    expect(unmapped.map(([, byteLength]) => byteLength)).toEqual([6 * PAGE, 4 * PAGE]);
  });

  it('C1 a refused move that took something away gives back the guards, and no range between', () => {
    const { calls, unmapped } = failing('mremap', 1, 12);
    const taking: LinuxCalls = {
      ...calls,
      mremap(from, byteLength, newByteLength, flags, to) {
        real.munmap(to, byteLength);
        return calls.mremap(from, byteLength, newByteLength, flags, to);
      },
    };
    const system = new Linux(taking, errors, SecretPages);
    codeOf(() => system.map(4 * PAGE));
    system.close();
    // What was reserved may be another thread's by then: nothing may be unmapped as a whole.
    expect(unmapped.map(([, byteLength]) => byteLength)).toEqual([PAGE, PAGE, 4 * PAGE]);
    const [[low], [high]] = unmapped as [[Address, number], [Address, number]];
    expect(high - low).toBe(BigInt(5 * PAGE));
  });

  const forbidding: LinuxCalls = {
    ...real,
    syscall: (number, argument) => (number === 447 ? real.syscall(number, argument) : -1),
    errno: () => 1,
  };
  it.each([
    ['which leaves nothing there', real],
    ['also where a sandbox forbids the call that does', forbidding],
  ])('V4 a region is touched first by the system, %s', (_, calls) => {
    const system = new Linux(calls, errors, SecretPages);
    const span = { address: system.map(2 * PAGE), byteLength: 2 * PAGE };
    const bytes = new Uint8Array(new ArrayBuffer(2 * PAGE)).fill(1);
    system.copy(bytes, span.address, bytes.byteLength);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    system.unmap(span);
    system.close();
  });

  it('the kernel reads no byte of one, and does read an ordinary page', () => {
    const system = new Linux(real, errors, SecretPages);
    const span = { address: system.map(PAGE), byteLength: PAGE };
    expect(kernelCannotRead(span.address)).toBe(true);
    expect(system.inspect([span])[0]).toEqual({
      lockedByteLength: PAGE,
      protection: 'read-write',
      guarded: true,
      dumpExcluded: true,
      forkBehaviour: 'absent',
    });
    system.unmap(span);
    system.close();
    const ordinary = real.mmap(null, PAGE, 3, 0x22, -1, 0);
    expect(kernelCannotRead(ordinary)).toBe(false);
    real.munmap(ordinary, PAGE);
  });

  it('observe() refuses pages that the kernel can read', () => {
    const ordinary: LinuxCalls = {
      ...real,
      mmap: (at, byteLength, prot, flags, descriptor, offset) =>
        descriptor < 0
          ? real.mmap(at, byteLength, prot, flags, descriptor, offset)
          : real.mmap(at, byteLength, prot, 0x22, -1, 0),
    };
    const system = new Linux(ordinary, errors, SecretPages);
    expect(codeOf(() => system.observe())).toBe('ERR_SECMEM_BACKEND_UNAVAILABLE');
    system.close();
  });

  it('P08 without a descriptor left, opening says so and takes it for no inability', () => {
    const child = runChild(
      `
      const { openSync, closeSync } = await import('node:fs');
      koffiBackend.probe();
      const fds = [];
      try { for (;;) fds.push(openSync('/dev/null')); } catch {}
      // Room for what asks about the machine; memfd_secret comes first.
      const tell = (kernelHidden) => { try { return koffiBackend({ kernelHidden }).capabilities.kernelHidden; } catch (error) { return error.cause?.message ?? error.message; } };
      const refused = [tell('require'), tell('prefer')];
      for (const fd of fds) closeSync(fd);
      say({ refused, later: tell('require') });`,
      null,
      [],
      {},
      ['prlimit', '--nofile=60:60'],
    );
    expect(child.result).toEqual({
      refused: [expect.stringMatching(/descriptor/), expect.stringMatching(/descriptor/)],
      later: true,
    });
  });

  it('kernelHidden: require and off are what they say; prefer takes hidden pages unless the machine may hibernate', () => {
    const child = runChild(`
      const hidden = (kernelHidden) => koffiBackend({ kernelHidden }).capabilities;
      const offered = (() => { try { return readFileSync('/sys/power/state', 'latin1').includes('disk'); } catch { return false; } })();
      say({ require: hidden('require').kernelHidden, off: hidden('off').kernelHidden, none: koffiBackend().capabilities.kernelHidden,
        prefer: hidden('prefer').kernelHidden || offered, bad: attempt(() => koffiBackend({ kernelHidden: 'yes' })) });`);
    expect(child.result).toEqual({
      require: true,
      off: false,
      none: false,
      prefer: true,
      bad: 'TypeError',
    });
  });
});
