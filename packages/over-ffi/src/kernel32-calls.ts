import type { Address } from './address.js';
import type { CType, Ffi } from './ffi.js';
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

/** Binds the table. Throws where a function is missing. */
export function bindKernel32Calls(ffi: Ffi): Kernel32Calls {
  const kernel32 = ffi.library('kernel32.dll');
  const ntdll = ffi.library('ntdll.dll');
  const call = <Name extends keyof Kernel32Calls>(
    name: Name,
    result: CType,
    parameters: readonly CType[],
    library = kernel32,
  ): Kernel32Calls[Name] => library.func(name, result, parameters);
  const [p, size, uint, handle] = ['pointer', 'size', 'uint', 'int64'] as const;
  return {
    VirtualAlloc: call('VirtualAlloc', p, [p, size, uint, uint]),
    VirtualFree: call('VirtualFree', 'int', [p, size, uint]),
    VirtualProtect: call('VirtualProtect', 'int', [p, size, uint, p]),
    VirtualLock: call('VirtualLock', 'int', [p, size]),
    VirtualUnlock: call('VirtualUnlock', 'int', [p, size]),
    VirtualQuery: call('VirtualQuery', size, [p, p, size]),
    K32QueryWorkingSetEx: call('K32QueryWorkingSetEx', 'int', [handle, p, uint]),
    GetProcessWorkingSetSize: call('GetProcessWorkingSetSize', 'int', [handle, p, p]),
    SetProcessWorkingSetSize: call('SetProcessWorkingSetSize', 'int', [handle, size, size]),
    GetSystemInfo: call('GetSystemInfo', 'void', [p]),
    GetLastError: call('GetLastError', uint, []),
    RtlFillMemory: call('RtlFillMemory', 'void', [p, size, 'int'], ntdll),
    RtlMoveMemory: call('RtlMoveMemory', 'void', [p, p, size], ntdll),
  };
}
