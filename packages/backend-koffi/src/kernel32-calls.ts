import type { Address } from './address.js';
import type { Koffi } from './ffi.js';
import type { Place } from './system.js';

/** A place that a call writes numbers to. */
type Out = Uint8Array | Uint32Array | BigUint64Array;

/**
 * The functions of kernel32 and ntdll, as a table, so that a test can stand in for them: Wine accepts any working-set size
 * and changes nothing, so that part cannot be tried there.
 */
export interface Kernel32Calls {
  VirtualAlloc(
    at: Address | null,
    byteLength: number,
    type: number,
    protect: number,
  ): Address | null;
  VirtualFree(address: Address, byteLength: number, type: number): number;
  VirtualProtect(address: Address, byteLength: number, protect: number, before: Out): number;
  VirtualLock(address: Address, byteLength: number): number;
  VirtualUnlock(address: Address, byteLength: number): number;
  VirtualQuery(address: Address, information: Out, byteLength: number): number;
  K32QueryWorkingSetEx(process: number, entries: Out, byteLength: number): number;
  GetProcessWorkingSetSize(process: number, minimum: Out, maximum: Out): number;
  SetProcessWorkingSetSize(process: number, minimum: number, maximum: number): number;
  GetSystemInfo(information: Out): void;
  GetLastError(): number;
  RtlFillMemory(address: Address, byteLength: number, byte: number): void;
  RtlMoveMemory(to: Place, from: Place, byteLength: number): void;
}

export function bindKernel32Calls(koffi: Koffi): Kernel32Calls {
  const kernel32 = koffi.load('kernel32.dll');
  const ntdll = koffi.load('ntdll.dll');
  const p = 'void *';
  return {
    VirtualAlloc: kernel32.func('VirtualAlloc', p, [p, 'size_t', 'uint32_t', 'uint32_t']),
    VirtualFree: kernel32.func('VirtualFree', 'int', [p, 'size_t', 'uint32_t']),
    VirtualProtect: kernel32.func('VirtualProtect', 'int', [p, 'size_t', 'uint32_t', p]),
    VirtualLock: kernel32.func('VirtualLock', 'int', [p, 'size_t']),
    VirtualUnlock: kernel32.func('VirtualUnlock', 'int', [p, 'size_t']),
    VirtualQuery: kernel32.func('VirtualQuery', 'size_t', [p, p, 'size_t']),
    K32QueryWorkingSetEx: kernel32.func('K32QueryWorkingSetEx', 'int', ['intptr_t', p, 'uint32_t']),
    GetProcessWorkingSetSize: kernel32.func('GetProcessWorkingSetSize', 'int', ['intptr_t', p, p]),
    SetProcessWorkingSetSize: kernel32.func('SetProcessWorkingSetSize', 'int', [
      'intptr_t',
      'size_t',
      'size_t',
    ]),
    GetSystemInfo: kernel32.func('GetSystemInfo', 'void', [p]),
    GetLastError: kernel32.func('GetLastError', 'uint32_t', []),
    RtlFillMemory: ntdll.func('RtlFillMemory', 'void', [p, 'size_t', 'int']),
    RtlMoveMemory: ntdll.func('RtlMoveMemory', 'void', [p, p, 'size_t']),
  };
}
