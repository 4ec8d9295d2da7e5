/** One slab of the vault's memory, in bytes and counts. */
export interface Slab {
  readonly byteLength: number;
  /** 0 where secrets of any length lie side by side. */
  readonly slotByteLength: number;
  readonly slots: number;
  readonly freeByteLength: number;
  readonly live: number;
  readonly quarantined: number;
}

export interface Receipt {
  readonly backend: string;
  readonly locked: boolean;
  readonly guarded: boolean;
  readonly dumpExcluded: boolean;
  readonly kernelHidden: boolean;
  readonly forkSafe: boolean;
  readonly access: 'view' | 'copy';
  readonly cipher: string;
  readonly weaknesses: readonly { readonly field: string; readonly reason: string }[];
}

export interface Figures {
  readonly lockedByteLength: number;
  readonly limitByteLength: number;
  readonly limitSource: string;
  readonly pageByteLength: number;
  readonly secrets: number;
  readonly waiting: number;
  readonly slabs: readonly Slab[];
  readonly ownRegions: number;
  readonly quarantinedSlots: number;
  readonly receipt: Receipt;
}

export type Condition =
  | 'sealed'
  | 'ready'
  | 'starting'
  | 'restarting'
  | 'halted'
  | 'lost'
  | 'closed';

/** What the service says four times a second. `figures` is absent while no process has keys. */
export interface Sample {
  readonly at: number;
  readonly state: string;
  readonly signing: 'in-process' | 'keeper';
  readonly health: {
    readonly condition: Condition;
    readonly pid: number;
    readonly crashes: number;
    readonly restarts: number;
  };
  readonly figures?: Figures;
  readonly latency: {
    /** Of the last minute; without any the percentiles say nothing. */
    readonly samples: number;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
    readonly perSecond: number;
  };
  readonly counts: {
    readonly signed: number;
    readonly created: number;
    readonly pushedBack: number;
    readonly failed: number;
  };
}

export interface LogEntry {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  readonly text: string;
}
