import type { MemoryBackend } from '@securemem/core/contract';

export const open: () => MemoryBackend;
