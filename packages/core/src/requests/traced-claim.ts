import { tracingChannel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import type { Claim } from '../places/claim.js';
import type { Telemetry } from '../telemetry/events.js';

/**
 * Waiting for a place is traced by the tracing channel `securemem:wait`: `tracing:securemem:wait:start` when a request
 * joined the queue, `:asyncEnd` when it left it, `:error` before that when it left it without a place.
 */
const waits = tracingChannel<WaitContext, WaitContext>('securemem:wait');

/** What the tracing channel says of one wait. */
export interface WaitContext {
  readonly allocator: number;
  readonly backend: string;
  readonly requestedByteLength: number;
  /** Milliseconds, once it is over. */
  waitedMs?: number;
  /** Why it ended without a place. */
  error?: unknown;
}

/** A claim that tells the tracing channel how its wait goes. */
export interface TracedClaim extends Claim {
  /** It is in the queue. */
  joined(): void;
}

/** The claim, traced; undefined where nobody listens. */
export function tracedClaim(
  claim: Claim,
  { allocator, backend, outbox }: Telemetry,
  byteLengths: readonly number[],
): TracedClaim | undefined {
  const { start, asyncEnd, error } = waits;
  if (!start.hasSubscribers && !asyncEnd.hasSubscribers && !error.hasSubscribers) return undefined;
  const requestedByteLength = byteLengths.reduce((sum, n) => sum + n, 0);
  const context: WaitContext = { allocator, backend, requestedByteLength };
  const since = performance.now();
  const left = (outcome?: { readonly reason: unknown }): void => {
    const waitedMs = performance.now() - since;
    outbox.put(() => {
      if (outcome !== undefined) {
        context.error = outcome.reason;
        error.publish(context);
      }
      context.waitedMs = waitedMs;
      asyncEnd.publish(context);
    });
  };
  return {
    ...(claim.need === undefined ? {} : { need: claim.need }),
    keep: () => claim.keep?.(),
    letGo: () => claim.letGo?.(),
    impossible: () => claim.impossible(),
    timedOut: (waitedMs) => claim.timedOut(waitedMs),
    tryGrant: (reach) => {
      const granted = claim.tryGrant(reach);
      if (granted) left();
      return granted;
    },
    reject: (reason) => {
      claim.reject(reason);
      left({ reason });
    },
    joined: () => outbox.put(() => start.publish(context)),
  };
}
