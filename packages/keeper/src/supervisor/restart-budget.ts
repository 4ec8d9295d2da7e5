import {
  type Crash,
  type CrashDecision,
  type CrashPolicy,
  decideCrash,
  NO_CRASHES,
  withRestart,
} from '@securemem/core';

/**
 * The restarts that a policy has granted: to one keeper, or to all members of a pool together, since every restart is another
 * try for whoever causes the crashes. A restart counts from the decision on: of two members that die in one moment only one
 * gets the last restart.
 */
export class RestartBudget {
  #history = NO_CRASHES;

  /** What the policy makes of a crash. `mayRestart` is false where nothing would be started anyway, so that nothing is used up. */
  decide(policy: CrashPolicy, crash: Crash, mayRestart: boolean): CrashDecision {
    const nowMs = performance.now();
    const decision = decideCrash(policy, crash, this.#history, nowMs, Math.random());
    if (decision.action === 'restart' && mayRestart) {
      this.#history = withRestart(this.#history, nowMs);
    }
    return decision;
  }
}
