import type { Address } from './address.js';
import { Errno } from './errno.js';
import type { CType, Ffi } from './ffi.js';
import type { Place } from './system.js';

/**
 * The functions of the C library that the files of Linux call, as a table, so that a test can make each of them fail. All
 * are in glibc and in musl. `errno` is the number of the last of them that failed.
 */
export interface LinuxCalls {
  mmap(
    at: null,
    byteLength: number,
    prot: number,
    flags: number,
    descriptor: number,
    offset: 0,
  ): Address;
  mremap(
    from: Address,
    byteLength: number,
    newByteLength: number,
    flags: number,
    to: Address,
  ): Address;
  munmap(address: Address, byteLength: number): number;
  mprotect(address: Address, byteLength: number, prot: number): number;
  mlock(address: Address, byteLength: number): number;
  munlock(address: Address, byteLength: number): number;
  madvise(address: Address, byteLength: number, advice: number): number;
  memset(address: Address, byte: number, byteLength: number): void;
  memmove(to: Place, from: Place, byteLength: number): void;
  /** A system call by its number, for those that the C libraries have no function for. */
  syscall(number: number, argument: number): number;
  ftruncate(descriptor: number, byteLength: number): number;
  close(descriptor: number): number;
  /** Two 64-bit words: the soft and the hard limit. */
  getrlimit(resource: number, limits: BigUint64Array): number;
  setrlimit(resource: number, limits: BigUint64Array): number;
  /** The capabilities of the calling thread: a header of two words, an answer of six. */
  capget(header: Uint32Array, data: Uint32Array): number;
  sysconf(name: number): number;
  errno(): number;
}

/** Binds the table. Throws where a function is missing. */
export function bindLinuxCalls(ffi: Ffi): LinuxCalls {
  const libc = ffi.library(null);
  const errno = new Errno(ffi);
  /** A function of that name; its type is that of the table. */
  const call = <Name extends keyof LinuxCalls>(
    name: Name,
    result: CType,
    parameters: readonly CType[],
  ): LinuxCalls[Name] =>
    errno.kept(libc.func<LinuxCalls[Name]>(name, result, parameters), parameters.length);
  return {
    mmap: call('mmap', 'pointer', ['pointer', 'size', 'int', 'int', 'int', 'int64']),
    mremap: call('mremap', 'pointer', ['pointer', 'size', 'size', 'int', 'pointer']),
    munmap: call('munmap', 'int', ['pointer', 'size']),
    mprotect: call('mprotect', 'int', ['pointer', 'size', 'int']),
    mlock: call('mlock', 'int', ['pointer', 'size']),
    munlock: call('munlock', 'int', ['pointer', 'size']),
    madvise: call('madvise', 'int', ['pointer', 'size', 'int']),
    memset: call('memset', 'void', ['pointer', 'int', 'size']),
    memmove: call('memmove', 'void', ['pointer', 'pointer', 'size']),
    syscall: call('syscall', 'int64', ['int64', 'int64']),
    ftruncate: call('ftruncate', 'int', ['int', 'int64']),
    close: call('close', 'int', ['int']),
    getrlimit: call('getrlimit', 'int', ['int', 'pointer']),
    setrlimit: call('setrlimit', 'int', ['int', 'pointer']),
    capget: call('capget', 'int', ['pointer', 'pointer']),
    sysconf: call('sysconf', 'int64', ['int']),
    errno: () => errno.last(),
  };
}
