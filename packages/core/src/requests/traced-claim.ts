import { tracingChannel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import type { Claim } from '../places/admission.js';
import type { Telemetry } from '../telemetry/events.js';

/**
 * Waiting for a place is traced by the tracing channel `securemem:wait`: `tracing:securemem:wait:start` when a request
 * joins the queue, `:asyncEnd` when it leaves it, `:error` before that when it leaves it without a place.
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

/** A claim that tells the tracing channel how its wait went; the claim itself where nobody listens. */
export function tracedClaim(
  claim: Claim,
  { allocator, backend }: Telemetry,
  byteLengths: readonly number[],
): Claim {
  if (!waits.start.hasSubscribers && !waits.asyncEnd.hasSubscribers) return claim;
  const requestedByteLength = byteLengths.reduce((sum, n) => sum + n, 0);
  const context: WaitContext = { allocator, backend, requestedByteLength };
  const since = performance.now();
  const finish = (): void => {
    context.waitedMs = performance.now() - since;
    waits.asyncEnd.publish(context);
  };
  waits.start.publish(context);
  return {
    ...(claim.need === undefined ? {} : { need: claim.need }),
    impossible: () => claim.impossible(),
    timedOut: (waitedMs) => claim.timedOut(waitedMs),
    tryGrant: (reach) => {
      const granted = claim.tryGrant(reach);
      if (granted) finish();
      return granted;
    },
    reject: (reason) => {
      context.error = reason;
      waits.error.publish(context);
      finish();
      claim.reject(reason);
    },
  };
}
