/** On the listeners of every copy of this package in the process, which are not the program's own. */
const OURS = Symbol.for('securemem.signal-listener');

/**
 * Something to be done before signals end the process that end it by default, and that leave it time. SIGKILL and `abort()`
 * leave none to anybody.
 *
 * Others listen to them, too, and many decide what a signal means by counting: signal-exit (under execa, ora and most
 * prompts) raises a signal again only where nobody but itself listens. So a listener of ours comes first and is not there
 * while the others are asked; if it were, each side would wait for the other, and nothing would end the process.
 */
export class EndingSignals {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #before: (signal: NodeJS.Signals) => void;
  /** Foreign listeners that were put before ours once: whoever insists on the first place is not fought over it. */
  #overtakers = new WeakSet<object>();
  #listening = false;

  constructor(signals: readonly NodeJS.Signals[], before: (signal: NodeJS.Signals) => void) {
    this.#signals = signals;
    this.#before = before;
    Object.defineProperty(this.#onSignal, OURS, { value: true });
  }

  /** From now on a signal that would end the process calls `before` first. */
  listen(): void {
    this.#listening = true;
    this.#overtakers = new WeakSet();
    process.on('newListener', this.#onNewListener);
    for (const signal of this.#signals) process.prependListener(signal, this.#onSignal);
  }

  ignore(): void {
    this.#listening = false;
    process.off('newListener', this.#onNewListener);
    for (const signal of this.#signals) process.off(signal, this.#onSignal);
  }

  /**
   * Where nobody else listens `before` is called and the signal is raised again with our listener gone, so that the process
   * ends as it would have without us. Where two copies of this package are loaded (as an ES module and as CommonJS, say),
   * each does so in its turn.
   *
   * Where others listen they may be draining their work, which must not be wiped under their feet, and the `exit` handler
   * does what is to be done. Or they go, and raise the signal again: then it finds us back, and alone.
   */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (!isOursAlone(signal)) {
      this.#stepAside(signal);
      return;
    }
    this.#before(signal);
    process.off(signal, this.#onSignal);
    process.kill(process.pid, signal);
  };

  /** Until nobody else is left, or at the latest until all of them were asked. */
  #stepAside(signal: NodeJS.Signals): void {
    process.off(signal, this.#onSignal);
    const onRemoved = (name: string | symbol): void => {
      if (name === signal && isOursAlone(signal)) comeBack();
    };
    const comeBack = (): void => {
      process.off('removeListener', onRemoved);
      // It may have come back already, or nothing may be left to be done.
      if (this.#listening && !process.listeners(signal).includes(this.#onSignal))
        process.prependListener(signal, this.#onSignal);
    };
    process.on('removeListener', onRemoved);
    setImmediate(comeBack);
  }

  /** The event comes before the listener does, so the first place is looked at afterwards, and before any signal. */
  readonly #onNewListener = (name: string | symbol, listener: object): void => {
    const signal = this.#signals.find((each) => each === name);
    if (signal === undefined || OURS in listener || this.#overtakers.has(listener)) return;
    queueMicrotask(() => {
      const all = process.listeners(signal);
      if (!all.includes(this.#onSignal) || isOurs(all[0] as object)) return;
      this.#overtakers.add(listener);
      process.off(signal, this.#onSignal);
      process.prependListener(signal, this.#onSignal);
    });
  };
}

/** Calls `then` whenever the process goes on after a stop, until the function that is returned is called. */
export function onContinued(then: () => void): () => void {
  const listener = (): void => then();
  process.on('SIGCONT', listener);
  return () => process.off('SIGCONT', listener);
}

function isOursAlone(signal: NodeJS.Signals): boolean {
  return process.listeners(signal).every(isOurs);
}

function isOurs(listener: object): boolean {
  return OURS in listener;
}
