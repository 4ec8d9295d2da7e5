import { CRASH_CATEGORIES, type CrashPolicy, halt, retry, terminate } from '@securemem/core';

/** `exit` is a halt that ends the service too, with exit code 70: for whoever has a process manager. */
export const POLICY_NAMES = ['halt', 'exit', 'terminate', 'retry'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/**
 * A service restarts its keeper a few times, quickly at first, and stops when that does not help. A start that fails is not
 * repeated: a master key that cannot be read will not be there in a second. Nor is an engine fault: that is how somebody
 * probes memory.
 */
const RETRY = {
  restartsMax: 5,
  windowMs: 60_000,
  backoff: { baseMs: 200, capMs: 5_000 },
  categories: CRASH_CATEGORIES.filter((name) => name !== 'spawn' && name !== 'engine-fault'),
};

/** Which crash policy the next keeper gets. A policy object is made for each keeper: halting sticks to its object. */
export class PolicyChoice {
  name: PolicyName;

  constructor(name: PolicyName = 'retry') {
    this.name = name;
  }

  make(): CrashPolicy {
    if (this.name === 'halt') return halt();
    if (this.name === 'exit') return halt({ exitHost: true });
    if (this.name === 'terminate') return terminate();
    return retry(RETRY);
  }
}
