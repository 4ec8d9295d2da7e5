import type { Call } from './call.js';
import { outcomeUnknown } from './crash-report.js';
import { notRepeated } from './refusals.js';

/**
 * Settles the calls that a dead process had, but for those that may be sent again: marked so by the caller, once, and where there
 * is a next life. They are returned, in their order.
 */
export function settleUnanswered(calls: readonly Call[], restart: boolean, error: Error): Call[] {
  const repeated: Call[] = [];
  for (const call of calls) {
    if (call.settled) continue;
    if (restart && call.idempotent && call.replayedAfter === undefined) {
      call.replayedAfter = error;
      call.id = 0;
      repeated.push(call);
    } else {
      call.reject(call.idempotent ? error : outcomeUnknown(call.operation, error));
    }
  }
  return repeated;
}

/** For a call that waits and will not be sent; it may have been sent to an earlier life. */
export function refuseWaiting(call: Call, error: Error): void {
  const { operation, replayedAfter: crash } = call;
  call.wipePayload();
  call.reject(crash === undefined ? error : notRepeated(operation, crash, error));
}
