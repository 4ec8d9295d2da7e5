import type { MemoryBackend } from '@securemem/core';
import { ffiBackend, hardenProcess as hardenByFfi } from '@securemem/ffi';
import { hardenProcess as hardenByKoffi, koffiBackend } from '@securemem/koffi';
import { hardenProcess as hardenByNapi, napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

export type KernelHidden = 'prefer' | 'require' | 'off';

interface Entry {
  readonly open: (kernelHidden: KernelHidden | undefined) => MemoryBackend;
  /** What hardens a process that uses it; the backend that protects nothing has none. */
  readonly harden?: typeof hardenByKoffi;
}

/** The option as a backend takes it: absent where its own default is to hold. */
const hidden = (kernelHidden: KernelHidden | undefined) =>
  kernelHidden === undefined ? {} : { kernelHidden };

/** Every backend that a command line may name, in that order. The only list of them. */
const BACKENDS = {
  koffi: { open: (choice) => koffiBackend(hidden(choice)), harden: hardenByKoffi },
  napi: { open: (choice) => napiBackend(hidden(choice)), harden: hardenByNapi },
  ffi: { open: (choice) => ffiBackend(hidden(choice)), harden: hardenByFfi },
  nolock: { open: () => nolockBackend() },
} as const satisfies Readonly<Record<string, Entry>>;

export type BackendName = keyof typeof BACKENDS;

export const BACKEND_NAMES = Object.keys(BACKENDS) as readonly BackendName[];

/** What locks the memory, and how. */
export interface BackendChoice {
  readonly backend: BackendName;
  /** Pages that the kernel itself cannot read; left out, it is as the backend does by itself. */
  readonly kernelHidden?: KernelHidden | undefined;
}

/** Opens the backend that was asked for, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE`. Never another one instead. */
export function openBackend({ backend, kernelHidden }: BackendChoice): MemoryBackend {
  return BACKENDS[backend].open(kernelHidden);
}

/** What hardens a process that uses the backend; nothing for the backend that protects nothing. */
export function hardenerOf({ backend }: BackendChoice): Entry['harden'] {
  const entry: Entry = BACKENDS[backend];
  return entry.harden;
}
