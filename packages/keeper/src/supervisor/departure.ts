import { afterHeard } from './deadline.js';
import type { HeardClock } from './heard-clock.js';

/** The wish of the host that a keeper ends, from `close()` until its process is gone. */
export class Closing {
  /** Resolves when it is over. */
  readonly promise: Promise<void>;
  #done = (): void => {};
  #stop = (): void => {};

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  /** Signals a keeper that does not leave by itself, politely first. Time in which the host is away does not count. */
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

  finish(): void {
    this.#stop();
    this.#done();
  }
}
