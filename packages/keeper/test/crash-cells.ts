/** The crash matrix: every cause of death in every activity under every policy, and what must be told about it. */
export const CAUSES = {
  SIGKILL: { category: 'external-kill', code: null, signal: 'SIGKILL' },
  SIGSEGV: { category: 'engine-fault', code: null, signal: 'SIGSEGV' },
  SIGABRT: { category: 'engine-fault', code: null, signal: 'SIGABRT' },
  SIGTERM: { category: 'external-kill', code: null, signal: 'SIGTERM' },
  SIGINT: { category: 'external-kill', code: null, signal: 'SIGINT' },
  SIGSTOP: { category: 'hang', code: null, signal: 'SIGKILL' },
  'cpu limit': { category: 'resource', code: null, signal: 'SIGXCPU' },
  'heap exhaustion': { category: 'resource', code: null, signal: 'SIGABRT' },
  'exit 0': { category: 'requested-exit', code: 0, signal: null },
  'exit 1': { category: 'requested-exit', code: 1, signal: null },
  'exit 7': { category: 'requested-exit', code: 7, signal: null },
  garbage: { category: 'protocol', code: null, signal: 'SIGKILL' },
} as const;

export type Cause = keyof typeof CAUSES;

export const ACTIVITIES = ['busy', 'idle', 'callback'] as const;
export type Activity = (typeof ACTIVITIES)[number];

export const POLICIES = ['halt', 'halt with exit', 'terminate', 'retry'] as const;
export type PolicyName = (typeof POLICIES)[number];

export interface Cell {
  readonly cause: Cause;
  readonly activity: Activity;
  readonly policy: PolicyName;
}

export const CELLS: readonly Cell[] = Object.keys(CAUSES).flatMap((cause) =>
  ACTIVITIES.flatMap((activity) =>
    POLICIES.map((policy) => ({ cause: cause as Cause, activity, policy })),
  ),
);

/**
 * A third of the cells in which every pair of cause and activity, of cause and policy, and of activity and policy occurs:
 * those whose three indices add up to a multiple of three.
 */
export const REPRESENTATIVE: readonly Cell[] = CELLS.filter(({ cause, activity, policy }) => {
  const sum =
    Object.keys(CAUSES).indexOf(cause) + ACTIVITIES.indexOf(activity) + POLICIES.indexOf(policy);
  return sum % 3 === 0;
});

/** A keeper that is stopped while idle is noticed by the first call that it does not answer. */
export function expectedActivity({ cause, activity }: Cell): Activity {
  return cause === 'SIGSTOP' && activity === 'idle' ? 'busy' : activity;
}

/** Signals come from outside; everything else a keeper does to itself. */
export function isSignal(cause: Cause): boolean {
  return cause.startsWith('SIG');
}
