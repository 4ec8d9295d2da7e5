/**
 * Signals that end a process by default and leave it time to wipe. SIGKILL and `abort()` leave none to anybody.
 *
 * Others listen to them, too, and many decide what a signal means by counting: signal-exit (under execa, ora and most
 * prompts) raises a signal again only where nobody but itself listens. So a listener of ours comes first and is not there
 * while the others are asked; if it were, each side would wait for the other, and nothing would end the process.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** On the listeners of every copy of this package in the process, which are not the program's own. */
const OURS = Symbol.for('securemem.signal-listener');

/** Foreign listeners that were put before ours once: whoever insists on the first place is not fought over it. */
let overtakers = new WeakSet<object>();

let wipe: ((reason: string) => void) | undefined;

/** From now on a signal that would end the process calls `purge` first. */
export function listenToSignals(purge: (reason: string) => void): void {
  wipe = purge;
  overtakers = new WeakSet();
  process.on('newListener', onNewListener);
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

export function ignoreSignals(): void {
  wipe = undefined;
  process.off('newListener', onNewListener);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/**
 * Where nobody else listens everything is wiped and the signal is raised again with our listener gone, so that the process
 * ends as it would have without us. Where two copies of this package are loaded (as an ES module and as CommonJS, say),
 * each does so in its turn.
 *
 * Where others listen they may be draining their work, which must not be wiped under their feet, and the `exit` handler
 * purges. Or they go, and raise the signal again: then it finds us back, and alone.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (!isOursAlone(signal)) {
    stepAside(signal);
    return;
  }
  wipe?.(signal);
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
Object.defineProperty(onSignal, OURS, { value: true });

/** Until nobody else is left, or at the latest until all of them were asked. */
function stepAside(signal: NodeJS.Signals): void {
  process.off(signal, onSignal);
  const onRemoved = (name: string | symbol): void => {
    if (name === signal && isOursAlone(signal)) comeBack();
  };
  const comeBack = (): void => {
    process.off('removeListener', onRemoved);
    // It may have come back already, or nothing may be left to wipe.
    if (wipe !== undefined && !process.listeners(signal).includes(onSignal))
      process.prependListener(signal, onSignal);
  };
  process.on('removeListener', onRemoved);
  setImmediate(comeBack);
}

/** The event comes before the listener does, so the first place is looked at afterwards, and before any signal. */
function onNewListener(name: string | symbol, listener: object): void {
  const signal = SIGNALS.find((each) => each === name);
  if (signal === undefined || OURS in listener || overtakers.has(listener)) return;
  queueMicrotask(() => {
    const all = process.listeners(signal);
    if (!all.includes(onSignal) || isOurs(all[0] as object)) return;
    overtakers.add(listener);
    process.off(signal, onSignal);
    process.prependListener(signal, onSignal);
  });
}

function isOursAlone(signal: NodeJS.Signals): boolean {
  return process.listeners(signal).every(isOurs);
}

function isOurs(listener: object): boolean {
  return OURS in listener;
}
