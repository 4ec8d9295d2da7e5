import { isMainThread } from 'node:worker_threads';
import { EndingSignals, onContinued } from '../places/signals.js';

/**
 * Signals that end a process which does not listen, and that somebody may well send to one that waits at a prompt. The
 * allocator's own handlers have SIGINT, SIGTERM and SIGHUP. Not here are those that a fault in this process raises where it
 * happens (SIGSEGV, SIGTRAP, SIGSYS and their kin: a listener would let it go on), SIGUSR1, which opens the inspector, and
 * SIGPROF, which belongs to the profiler.
 */
const ENDING: readonly NodeJS.Signals[] = [
  'SIGQUIT',
  'SIGABRT',
  'SIGALRM',
  'SIGUSR2',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
];

/** What a terminal that was made raw has to hear of, from the constructor to `close`. Worker threads hear of nothing. */
export class TerminalSignals {
  readonly #ending: EndingSignals;
  readonly #ignoreContinued: () => void = () => {};
  #continued = false;

  constructor(putBack: () => void) {
    this.#ending = new EndingSignals(ENDING, putBack);
    if (!isMainThread) return;
    this.#ending.listen();
    this.#ignoreContinued = onContinued(() => {
      this.#continued = true;
    });
  }

  /** Whether the process was stopped and goes on again, since this was last asked. */
  takeContinued(): boolean {
    const continued = this.#continued;
    this.#continued = false;
    return continued;
  }

  close(): void {
    this.#ignoreContinued();
    this.#ending.ignore();
  }
}
