/** What the signing process tells the process that watches it. Everything in it is public. */
export type StormMessage =
  | {
      readonly type: 'opened';
      readonly budgetByteLength: number;
      readonly senders: readonly string[];
    }
  | {
      readonly type: 'settled';
      readonly signed: readonly Signed[];
      readonly failed: readonly Failed[];
    }
  | { readonly type: 'finished'; readonly figures: Figures }
  | { readonly type: 'refused'; readonly code: string; readonly message: string };

export interface Signed {
  readonly index: number;
  /** Index into the senders. */
  readonly account: number;
  /** The signed transaction, hexadecimal. */
  readonly raw: string;
}

export interface Failed {
  readonly index: number;
  readonly code: string;
}

/** What only the signing process can measure. */
export interface Figures {
  readonly admissionWaits: number;
  readonly queueLengthPeak: number;
  readonly peakLockedByteLength: number;
  readonly lockedByteLengthBefore: number;
  readonly lockedByteLengthAfter: number;
  /** With a keeper: its deaths, its new lives, and how each death was classified, in words. */
  readonly keeperCrashes?: number;
  readonly keeperRestarts?: number;
  readonly keeperCauses?: readonly string[];
  readonly unhandledRejections: number;
  /** From the first request to the last answer. */
  readonly signMs: number;
}
