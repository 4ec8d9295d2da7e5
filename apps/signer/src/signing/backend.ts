import type { MemoryBackend } from '@securemem/core';
import * as koffi from '@securemem/koffi';
import * as napi from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

export type BackendName = 'koffi' | 'napi' | 'nolock';
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
  return nolockBackend();
}

/** What hardens a process that uses the backend; nothing for the backend that protects nothing. */
export function hardenerOf({ backend }: BackendChoice) {
  if (backend === 'koffi') return koffi.hardenProcess;
  if (backend === 'napi') return napi.hardenProcess;
  return undefined;
}
