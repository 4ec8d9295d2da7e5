import type { MemoryBackend } from '@securemem/core/contract';

/** Opens one of `koffi`, `napi` (with memfd_secret where the kernel has it), `ffi` and so on; see backends.mjs. */
export function openBackend(name: string): MemoryBackend;

/** Why a backend cannot open here, or undefined. */
export function unavailable(name: string): string | undefined;

/** The Node in which a backend is tried: this one, unless it needs another. Ask `unavailable` first. */
export function programOf(name: string): string;
