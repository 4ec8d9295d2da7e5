import type { Address } from './address.js';
import { Errno } from './errno.js';
import type { CType, Ffi } from './ffi.js';
import type { Place } from './system.js';

/** The functions of libSystem, as a table, so that a test can stand in for them. */
export interface DarwinCalls {
  mmap(at: null, byteLength: number, prot: number, flags: number, fd: -1, offset: 0): Address;
  munmap(address: Address, byteLength: number): number;
  mprotect(address: Address, byteLength: number, prot: number): number;
  mlock(address: Address, byteLength: number): number;
  munlock(address: Address, byteLength: number): number;
  minherit(address: Address, byteLength: number, inherit: number): number;
  memset(address: Address, byte: number, byteLength: number): void;
  memmove(to: Place, from: Place, byteLength: number): void;
  getrlimit(resource: number, limits: BigUint64Array): number;
  setrlimit(resource: number, limits: BigUint64Array): number;
  sysctlbyname(name: string, value: BigUint64Array, size: BigUint64Array, from: null, n: 0): number;
  getpagesize(): number;
  errno(): number;
}

/** Binds the table. Throws where a function is missing. */
export function bindDarwinCalls(ffi: Ffi): DarwinCalls {
  const system = ffi.library('/usr/lib/libSystem.B.dylib');
  const errno = new Errno(ffi);
  const call = <Name extends keyof DarwinCalls>(
    name: Name,
    result: CType,
    parameters: readonly CType[],
  ): DarwinCalls[Name] =>
    errno.kept(system.func<DarwinCalls[Name]>(name, result, parameters), parameters.length);
  return {
    mmap: call('mmap', 'pointer', ['pointer', 'size', 'int', 'int', 'int', 'int64']),
    munmap: call('munmap', 'int', ['pointer', 'size']),
    mprotect: call('mprotect', 'int', ['pointer', 'size', 'int']),
    mlock: call('mlock', 'int', ['pointer', 'size']),
    munlock: call('munlock', 'int', ['pointer', 'size']),
    minherit: call('minherit', 'int', ['pointer', 'size', 'int']),
    memset: call('memset', 'void', ['pointer', 'int', 'size']),
    memmove: call('memmove', 'void', ['pointer', 'pointer', 'size']),
    getrlimit: call('getrlimit', 'int', ['int', 'pointer']),
    setrlimit: call('setrlimit', 'int', ['int', 'pointer']),
    sysctlbyname: call('sysctlbyname', 'int', ['text', 'pointer', 'pointer', 'pointer', 'size']),
    getpagesize: system.func('getpagesize', 'int', []),
    errno: () => errno.last(),
  };
}
