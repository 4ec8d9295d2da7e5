import type { MemoryBackend } from '@securemem/core';
import * as ffi from '@securemem/ffi';
import * as koffi from '@securemem/koffi';
import * as napi from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

/** In the order in which a command line names them. */
export const BACKEND_NAMES = ['koffi', 'napi', 'ffi', 'nolock'] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];
export type KernelHidden = 'prefer' | 'require' | 'off';

/** What locks the memory, and how. */
export interface BackendChoice {
  readonly backend: BackendName;
  readonly kernelHidden: KernelHidden;
}

/** Opens the backend that was asked for, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE`. Never another one instead. */
export function openBackend({ backend, kernelHidden }: BackendChoice): MemoryBackend {
  if (backend === 'koffi') return koffi.koffiBackend();
  if (backend === 'napi') return napi.napiBackend({ kernelHidden });
  if (backend === 'ffi') return ffi.ffiBackend();
  return nolockBackend();
}

/** What hardens a process that uses the backend; nothing for the backend that protects nothing. */
export function hardenerOf({ backend }: BackendChoice) {
  if (backend === 'koffi') return koffi.hardenProcess;
  if (backend === 'napi') return napi.hardenProcess;
  if (backend === 'ffi') return ffi.hardenProcess;
  return undefined;
}
