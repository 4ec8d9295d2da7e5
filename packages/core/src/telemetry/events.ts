import { channel } from 'node:diagnostics_channel';
import type { SecureMemoryError } from '../contract/errors.js';
import type { RegionFacts } from '../contract/region.js';
import { Outbox } from './outbox.js';

/** What was found when the surroundings of a slot were looked at. */
export interface CanaryFinding {
  /** Bytes just before the slot are damaged: the slot before may have run over, or this one under. */
  readonly before: boolean;
  /** Bytes just after the content are damaged. */
  readonly after: boolean;
}

/**
 * Every event and its payload. The name of the `node:diagnostics_channel` channel is `securemem:` and the name here. Byte
 * counts are bytes, times milliseconds; no payload has an address or a byte of a secret. Payloads grow, never shrink.
 */
export interface TelemetryEvents {
  /** A secret went to the fallback backend: published at each change from `primary` to `fallback`, not for each secret. */
  fallback: { readonly requestedByteLength: number; readonly error: SecureMemoryError };
  /** Fewer secrets fit than the allocator was told to expect; once, when it opens. */
  headroom: { readonly neededByteLength: number; readonly availableByteLength: number };
  /** A view escaped or refused to be revoked; its slot is out of use. */
  quarantine: { readonly outcome: 'escaped' | 'stuck'; readonly slots: number };
  /** Bytes next to a secret were overwritten. */
  corruption: { readonly found: CanaryFinding; readonly error: SecureMemoryError };
  /** A handle was collected without having been disposed. Its memory stays. */
  leak: { readonly byteLength: number; readonly stack: string | undefined };
  /** Everything was wiped at once. */
  purge: { readonly reason: string; readonly secrets: number };
  /** The system refused to close a region; it stays open and is tried again at the next access. */
  'protection-failed': { readonly byteLength: number; readonly error: unknown };
  /** The kernel says that a region lacks protections that it had: somebody else in the process took them. Once for each loss. */
  'protection-lost': {
    readonly byteLength: number;
    readonly lost: readonly (keyof RegionFacts)[];
  };
  /** The system refused to unmap a region, or a step of cleaning up failed; the bytes are wiped, it is tried again. */
  'release-failed': { readonly byteLength: number; readonly error: unknown };
  /**
   * A credential was taken by its name: from a file, or from the variable of that name, which is erased. `left` names the places
   * that are known to hold a copy still: the `variable` itself beside a file; `process.env` where the program has put an
   * object of its own there; the `start-block` that the process was started with, where the system does not say where it is.
   */
  'credential-found': {
    readonly name: string;
    readonly from: 'file' | 'variable';
    readonly path: string | undefined;
    readonly left: readonly ('variable' | 'start-block' | 'process.env')[];
  };
  /** A file that a store follows cannot be read, or holds nothing that can be taken: the old value stays. Once for each reason. */
  'follow-failed': { readonly name: string; readonly error: unknown };
  /**
   * A `use` or `useAll` of a store goes on for half of `admission.waitMsMax` or longer, and requests wait for a place. Once for
   * each use.
   */
  'long-use': {
    readonly names: readonly string[];
    readonly heldMs: number;
    readonly waiting: number;
  };
  /** Pages are closed at rest and the program listens to SIGSEGV: a stray touch would spin instead of killing. */
  'sigsegv-listener': { readonly listeners: number };
}

/** The name of an event. */
export type TelemetryEvent = keyof TelemetryEvents;

/** Created once, as the channels are shared by every allocator of the process; each payload says whose it is. */
const channels = {
  fallback: channel('securemem:fallback'),
  headroom: channel('securemem:headroom'),
  quarantine: channel('securemem:quarantine'),
  corruption: channel('securemem:corruption'),
  leak: channel('securemem:leak'),
  purge: channel('securemem:purge'),
  'protection-failed': channel('securemem:protection-failed'),
  'protection-lost': channel('securemem:protection-lost'),
  'release-failed': channel('securemem:release-failed'),
  'credential-found': channel('securemem:credential-found'),
  'follow-failed': channel('securemem:follow-failed'),
  'long-use': channel('securemem:long-use'),
  'sigsegv-listener': channel('securemem:sigsegv-listener'),
} satisfies Record<TelemetryEvent, unknown>;

let lastAllocator = 0;

/** What one allocator says. Counts every event, whether or not anybody listens. */
export class Telemetry {
  /** Tells allocators of one process apart. */
  readonly allocator = ++lastAllocator;
  readonly backend: string;
  /** Every message goes through it, so that nobody hears of anything in the middle of a step. */
  readonly outbox = new Outbox();
  readonly counts: Record<TelemetryEvent, number> = {
    fallback: 0,
    headroom: 0,
    quarantine: 0,
    corruption: 0,
    leak: 0,
    purge: 0,
    'protection-failed': 0,
    'protection-lost': 0,
    'release-failed': 0,
    'credential-found': 0,
    'follow-failed': 0,
    'long-use': 0,
    'sigsegv-listener': 0,
  };

  constructor(backend: string) {
    this.backend = backend;
  }

  emit<E extends TelemetryEvent>(event: E, payload: TelemetryEvents[E]): void {
    this.counts[event]++;
    const target = channels[event];
    if (!target.hasSubscribers) return;
    const message = { allocator: this.allocator, backend: this.backend, ...payload };
    this.outbox.put(() => target.publish(message));
  }
}
