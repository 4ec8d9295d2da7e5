import type { Address } from './address.js';
import type { Koffi } from './ffi.js';
import type { Place } from './system.js';

/**
 * The functions of the C library that `linux.ts` calls, as a table, so that a test can make each of them fail. All are in
 * glibc and in musl. `errno` is the number of the last call that failed; read it before the next call.
 */
export interface LinuxCalls {
  mmap(at: null, byteLength: number, prot: number, flags: number, fd: -1, offset: 0): Address;
  munmap(address: Address, byteLength: number): number;
  mprotect(address: Address, byteLength: number, prot: number): number;
  mlock(address: Address, byteLength: number): number;
  munlock(address: Address, byteLength: number): number;
  madvise(address: Address, byteLength: number, advice: number): number;
  memset(address: Address, byte: number, byteLength: number): unknown;
  memmove(to: Place, from: Place, byteLength: number): unknown;
  /** Two 64-bit words: the soft and the hard limit. */
  getrlimit(resource: number, limits: BigUint64Array): number;
  setrlimit(resource: number, limits: BigUint64Array): number;
  sysconf(name: number): number;
  errno(): number;
}

/** Binds the table. Throws where a function is missing. Sizes are those of 64-bit systems. */
export function bindLinuxCalls(koffi: Koffi): LinuxCalls {
  const libc = koffi.load(null);
  const address = 'void *';
  return {
    mmap: libc.func('mmap', address, [address, 'size_t', 'int', 'int', 'int', 'int64_t']),
    munmap: libc.func('munmap', 'int', [address, 'size_t']),
    mprotect: libc.func('mprotect', 'int', [address, 'size_t', 'int']),
    mlock: libc.func('mlock', 'int', [address, 'size_t']),
    munlock: libc.func('munlock', 'int', [address, 'size_t']),
    madvise: libc.func('madvise', 'int', [address, 'size_t', 'int']),
    memset: libc.func('memset', address, [address, 'int', 'size_t']),
    memmove: libc.func('memmove', address, [address, address, 'size_t']),
    getrlimit: libc.func('getrlimit', 'int', ['int', address]),
    setrlimit: libc.func('setrlimit', 'int', ['int', address]),
    sysconf: libc.func('sysconf', 'long', ['int']),
    errno: () => koffi.errno(),
  };
}
