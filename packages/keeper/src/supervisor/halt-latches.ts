import { type CrashPolicy, haltsWithin } from '@securemem/core';

/** What one keeper has to do with the halts of its policy, which it may share with others. */
export class HaltLatches {
  #leave: (() => void)[] = [];

  /** The cause where the policy has halted already; else `onHalt` is called when another keeper halts. */
  join(policy: CrashPolicy, onHalt: (cause: Error) => void): Error | undefined {
    for (const { latch } of haltsWithin(policy)) {
      if (latch.cause !== undefined) return latch.cause;
      this.#leave.push(latch.onTrip(onHalt));
    }
    return undefined;
  }

  /** Listens no more. */
  leave(): void {
    for (const leave of this.#leave.splice(0)) leave();
  }
}
