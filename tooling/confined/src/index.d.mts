/** How much a command may lock, and as whom it runs. */
export interface Confinement {
  /** RLIMIT_MEMLOCK, soft: the limit that the kernel enforces. In bytes, 0 or more. */
  readonly memlockByteLength: number;
  /** RLIMIT_MEMLOCK, hard: how far the command may raise its own limit. Equal to the soft limit when absent. */
  readonly memlockHardByteLength?: number | 'unlimited';
  /** Root without CAP_IPC_LOCK, or an ordinary user. */
  readonly as: 'root' | 'user';
}

export type ConfinementProof =
  | { readonly proven: true }
  | { readonly proven: false; readonly reason: string };

/** What the probe child saw, or why it saw nothing. */
export type ProbeOutcome =
  | { readonly pageByteLength: number; readonly lockedPages: number; readonly errno: number }
  | { readonly reason: string };

/** The command line, for `spawn`, that runs `command` without CAP_IPC_LOCK under the limit. It promises nothing by
 *  itself: call `proveConfinement` first. Throws TypeError or RangeError for a bad confinement. */
export function confine(
  command: string,
  args: readonly string[],
  confinement: Confinement,
): { command: string; args: string[] };

/** Whether that command line really confines on this machine, shown by a child whose lock is refused at the first page
 *  past the limit. Takes about 100 ms the first time; the answer is kept for the life of the process. Where it is
 *  not proven a test says `ctx.skip('not proven: ' + reason)`. */
export function proveConfinement(confinement: Confinement): ConfinementProof;
