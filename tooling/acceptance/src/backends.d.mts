import type { MemoryBackend } from '@securemem/core/contract';

/** Opens one of `koffi`, `napi` (with memfd_secret where the kernel has it), `napi-mlock` and `nolock`. */
export function openBackend(name: string): MemoryBackend;

/** Why a backend cannot open here, or undefined. */
export function unavailable(name: string): string | undefined;
