import type { MemoryBackend } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';
import type { BackendName, KernelHidden } from './options.js';

/** Opens the backend that was asked for, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE`. Never another one instead. */
export function openBackend(name: BackendName, kernelHidden: KernelHidden): MemoryBackend {
  if (name === 'koffi') return koffiBackend();
  if (name === 'napi') return napiBackend({ kernelHidden });
  return nolockBackend();
}
