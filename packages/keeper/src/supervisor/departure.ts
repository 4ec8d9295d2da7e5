import { afterHeard } from './deadline.js';
import type { HeardClock } from './heard-clock.js';

/** The wish of the host that a process ends, from the moment it has it until what it wanted is there. */
export class Departure {
  readonly promise: Promise<void>;
  #resolve = (): void => {};
  #reject = (_reason: Error): void => {};
  #stop = (): void => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Signals a process that does not leave by itself, politely first. Time in which the host is away does not count. */
  escalate(
    clock: HeardClock,
    options: { readonly closeMsMax: number; readonly termMsMax: number },
    kill: (signal: 'SIGTERM' | 'SIGKILL') => void,
  ): void {
    this.#stop = afterHeard(clock, options.closeMsMax, () => {
      kill('SIGTERM');
      this.#stop = afterHeard(clock, options.termMsMax, () => kill('SIGKILL'));
    });
  }

  /** The process is gone: nobody is signalled any more. */
  gone(): void {
    this.#stop();
  }

  finish(): void {
    this.#stop();
    this.#resolve();
  }

  fail(reason: Error): void {
    this.#stop();
    this.#reject(reason);
  }
}
