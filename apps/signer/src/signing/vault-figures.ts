import type { Allocator, MemoryBackend, Receipt, SlabStats } from '@securemem/core';

/** What the memory of a vault looks like now, wherever it is. Byte lengths are bytes. */
export interface VaultFigures {
  /** As the kernel counts the process that holds the keys. */
  readonly lockedByteLength: number;
  readonly limitByteLength: number;
  /** Who sets the limit: the kernel, an option, or what there is. */
  readonly limitSource: string;
  readonly pageByteLength: number;
  readonly secrets: number;
  readonly waiting: number;
  readonly waits: number;
  readonly queueLengthPeak: number;
  /** Waits that ended in a timeout or found the queue full. */
  readonly refusals: number;
  readonly slabs: readonly SlabStats[];
  readonly ownRegions: number;
  readonly quarantinedSlots: number;
  readonly receipt: Receipt;
}

export function figuresOf(memory: Allocator, backend: MemoryBackend): VaultFigures {
  const { primary, admission, secrets, quarantine } = memory.stats();
  const locked = backend.lockedByteLength();
  return {
    lockedByteLength: locked === 'unknown' ? primary.lockedByteLength : locked,
    limitByteLength: primary.limitByteLength,
    limitSource: primary.limitSource,
    pageByteLength: backend.pageByteLength,
    secrets,
    waiting: admission.waiting,
    waits: admission.waits,
    queueLengthPeak: admission.queueLengthPeak,
    refusals: admission.refusals + admission.timeouts,
    slabs: primary.slabs,
    ownRegions: primary.regions - primary.slabs.length,
    quarantinedSlots: quarantine.slots,
    receipt: memory.receipt,
  };
}
