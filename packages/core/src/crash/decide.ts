import { backoffMs } from './backoff.js';
import { classifyCrash } from './classify.js';
import type { Crash, CrashCategory, CrashHistory } from './crash.js';
import type { CrashPolicy, HaltPolicy, RetryPolicy } from './policies.js';

/** What is to be done about a crash. `reason` is a sentence for people. */
export type CrashDecision =
  | {
      readonly action: 'halt';
      readonly category: CrashCategory;
      readonly reason: string;
      /** The policy whose latch is to be tripped, and which says whether the host exits. */
      readonly policy: HaltPolicy;
    }
  | {
      readonly action: 'terminate';
      readonly category: CrashCategory;
      readonly reason: string;
    }
  | {
      readonly action: 'restart';
      readonly category: CrashCategory;
      readonly reason: string;
      /** At least 1. */
      readonly delayMs: number;
      /** 1 for the first restart within the window. */
      readonly attempt: number;
    };

/**
 * The decision on one crash: a pure function of the policy, the crash, the restarts granted before, the time in
 * milliseconds, and a random number in [0, 1). It reads no latch and starts nothing; the caller acts on the answer and
 * records a restart with `withRestart`.
 */
export function decideCrash(
  policy: CrashPolicy,
  crash: Crash,
  history: CrashHistory,
  nowMs: number,
  random: number,
): CrashDecision {
  const { category, reason, shutdown } = classifyCrash(crash);
  const chosen = chooseByCategory(policy, category);
  if (chosen.kind !== 'retry') return final(chosen, category, reason);

  const refusal = refuseRestart(chosen, category, shutdown, history, nowMs);
  if (refusal !== undefined) return final(chosen.then, category, `${reason}; ${refusal}`);

  const attempt = countRecent(history, nowMs, chosen.windowMs);
  return {
    action: 'restart',
    category,
    reason,
    delayMs: backoffMs(chosen.backoff, attempt, random),
    attempt: attempt + 1,
  };
}

function chooseByCategory(
  policy: CrashPolicy,
  category: CrashCategory,
): Exclude<CrashPolicy, { kind: 'by-category' }> {
  if (policy.kind !== 'by-category') return policy;
  return chooseByCategory(policy.policies[category] ?? policy.default, category);
}

function final(
  policy: RetryPolicy['then'],
  category: CrashCategory,
  reason: string,
): CrashDecision {
  return policy.kind === 'halt'
    ? { action: 'halt', category, reason, policy }
    : { action: 'terminate', category, reason };
}

/** Why this crash is not answered by a restart, or undefined when it is. */
function refuseRestart(
  policy: RetryPolicy,
  category: CrashCategory,
  shutdown: boolean,
  history: CrashHistory,
  nowMs: number,
): string | undefined {
  if (shutdown && !policy.retryShutdowns) return 'a shutdown is not retried';
  if (!policy.categories.includes(category)) return `${category} is not retried`;
  if (history.restarts >= policy.restartsTotalMax) {
    return `all ${policy.restartsTotalMax} restarts are used up`;
  }
  if (countRecent(history, nowMs, policy.windowMs) >= policy.restartsMax) {
    return `${policy.restartsMax} restart(s) within ${policy.windowMs} ms are used up`;
  }
  return undefined;
}

function countRecent(history: CrashHistory, nowMs: number, windowMs: number): number {
  let count = 0;
  for (const time of history.restartTimesMs) if (nowMs - time < windowMs) count++;
  return count;
}
