import type { HardenStep } from './harden-report.js';

/**
 * The ways in that are the runtime's own and not the kernel's. SIGUSR1 opens Node's debugger port to every user of the
 * machine; an option at the start opens it too, or has a signal or a crash write the heap or the environment to a file.
 * None of it asks whether the process is dumpable.
 *
 * What was asked for at the start is left as it is and reported, since somebody wanted it. What nobody asked for, the
 * answer to SIGUSR1, is taken away.
 */

/** What the module `node:inspector` offers, as far as it is needed. */
export interface RuntimeInspector {
  /** Undefined while no debugger is open. */
  url(): string | undefined;
  /** Ends every session and the port. */
  close(): void;
}

/** The runtime, handed over by whoever may import it: this folder imports nothing. */
export interface Runtime {
  readonly process: RuntimeProcess;
  readonly isMainThread: boolean;
  /** Undefined where the runtime was built without a debugger. */
  readonly inspector: RuntimeInspector | undefined;
}

/** The part of `process` that tells. */
export interface RuntimeProcess {
  readonly platform: string;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report?: unknown;
  /** The events that somebody listens to. */
  eventNames(): readonly (string | symbol)[];
  /** Who listens to an event. */
  listeners(event: string): readonly { readonly name: string }[];
  /** Listens to an event, for good. */
  on(event: string, listener: () => void): unknown;
}

const SIGNAL = 'SIGUSR1';

/** When to look again, in milliseconds after the listener was put on; nobody says when that thread is done. */
const LATE_MS = [50, 500, 5_000];

const OFF_MAIN_THREAD =
  'a worker thread can neither see nor close the debugger: call hardenProcess() on the main thread';

/** Named, so that a list of listeners says what it is for. */
function securememKeepsTheDebuggerClosed(): void {}

/**
 * Closes the runtime's debugger to signals, for good, and says whether it is closed. Only the main thread can do either:
 * a worker thread neither receives signals nor sees the debugger of the main thread.
 */
export function closeDebugger(runtime: Runtime): HardenStep {
  const measure = 'no-inspector';
  if (!runtime.isMainThread) return { measure, outcome: 'failed', reason: OFF_MAIN_THREAD };
  // First the listener, then the look: what opens in between is seen.
  const outcome = refuseSignal(runtime);
  const reasons = debuggerWays(runtime);
  if (reasons.length === 0) return { measure, outcome };
  return { measure, outcome: 'failed', reason: reasons.join('; ') };
}

/**
 * Takes SIGUSR1 from the debugger: with a listener in JavaScript the runtime's own answer is gone, and does not come back
 * when listeners go. Ours stays whatever others do, so that the signal does not end the process either.
 */
function refuseSignal({ process, inspector }: Runtime): 'set' | 'already' {
  const before = process.listeners(SIGNAL);
  if (before.includes(securememKeepsTheDebuggerClosed)) return 'already';
  process.on(SIGNAL, securememKeepsTheDebuggerClosed);
  if (before.length > 0) return 'already';
  if (inspector !== undefined && inspector.url() === undefined) closeIfLate(inspector);
  return 'set';
}

/** A signal that came before the listener opens the port on a thread of the runtime, a little later. */
function closeIfLate(inspector: RuntimeInspector): void {
  const check = (): void => {
    if (inspector.url() !== undefined) inspector.close();
  };
  setImmediate(check).unref();
  for (const ms of LATE_MS) setTimeout(check, ms).unref();
}

/** Every way in that is open, or that no listener closes, in words that name what to leave out; SIGUSR1 is apart. */
export function debuggerWays(runtime: Runtime): string[] {
  return [...openWays(runtime)];
}

/** Whether SIGUSR1 of another process opens the debugger, as far as the main thread can tell. */
export function answersDebugSignal({ process, inspector }: Runtime): boolean {
  if (inspector === undefined || process.platform === 'win32') return false;
  const closed = optionsOf(process).includes('--disable-sigusr1');
  return !closed && process.listeners(SIGNAL).length === 0;
}

function* openWays(runtime: Runtime): Generator<string> {
  const { process, inspector } = runtime;
  if (inspector?.url() !== undefined) {
    yield 'the debugger is open (--inspect, SIGUSR1 or inspector.open()): close it, and start without';
  }
  const options = optionsOf(process);
  const has = (name: string): boolean => options.some((option) => option.split('=')[0] === name);
  if (process.platform === 'win32' && inspector !== undefined && !has('--disable-sigusr1')) {
    yield 'on Windows process._debugProcess() of another process opens the debugger: start with --disable-sigusr1';
  }
  if (has('--heapsnapshot-signal') || snapshotsBySignal(process)) {
    yield 'a signal has the heap written to a file: start without --heapsnapshot-signal';
  }
  if (has('--heapsnapshot-near-heap-limit')) {
    yield 'a full heap is written to a file: start without --heapsnapshot-near-heap-limit';
  }
  yield* reportWays(process.report as ReportSettings | undefined);
}

interface ReportSettings {
  readonly reportOnSignal?: boolean;
  readonly reportOnFatalError?: boolean;
  readonly reportOnUncaughtException?: boolean;
  readonly excludeEnv?: boolean;
}

/** A report has the environment, not the heap, and everybody may read the file. */
function* reportWays(report: ReportSettings | undefined): Generator<string> {
  if (report === undefined || report.excludeEnv === true) return;
  if (report.reportOnSignal === true) {
    yield 'a signal has the environment written to a file: start without --report-on-signal';
  }
  if (report.reportOnFatalError === true) {
    yield 'a fatal error has the environment written to a file: start without --report-on-fatalerror';
  }
  if (report.reportOnUncaughtException === true) {
    yield 'an uncaught exception has the environment written to a file: start without --report-uncaught-exception';
  }
}

/** The runtime's options, from both places where they are given. Node writes them with `-` and takes `_` as well. */
function optionsOf({ execArgv, env }: RuntimeProcess): string[] {
  const given = Object.hasOwn(env, 'NODE_OPTIONS') ? env['NODE_OPTIONS'] : undefined;
  const inherited = (given ?? '').split(/\s+/);
  return [...execArgv, ...inherited].map((option) =>
    option.replaceAll('"', '').replaceAll('_', '-'),
  );
}

/** Whether the runtime listens for a signal that writes its heap; the option may have come from a file. */
function snapshotsBySignal(process: RuntimeProcess): boolean {
  return process
    .eventNames()
    .some(
      (event) =>
        typeof event === 'string' &&
        process.listeners(event).some(({ name }) => name === 'doWriteHeapSnapshot'),
    );
}
