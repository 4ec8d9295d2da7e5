import { type Allocator, createAllocator, type MemoryBackend } from '@securemem/core';
import { type BackendName, openBackend } from '../signing/backend.js';

/** What the demonstrations in this process may lock, in bytes; the service's own keys are elsewhere or not touched. */
const BUDGET_BYTE_LENGTH = 16_384;

/** A small allocator for demonstrations that need one of their own; opened at first use. */
export class ScratchMemory {
  readonly #name: BackendName;
  #backend: MemoryBackend | undefined;
  #memory: Allocator | undefined;

  constructor(name: BackendName) {
    this.#name = name;
  }

  get memory(): Allocator {
    this.#backend ??= openBackend({ backend: this.#name });
    this.#memory ??= createAllocator({
      backend: this.#backend,
      budget: { lockedByteLengthMax: BUDGET_BYTE_LENGTH },
    });
    return this.#memory;
  }

  get lockedByteLength(): number {
    const locked = this.#backend?.lockedByteLength() ?? 0;
    return locked === 'unknown' ? 0 : locked;
  }

  async close(): Promise<void> {
    await this.#memory?.close();
    this.#backend?.[Symbol.dispose]();
  }
}
