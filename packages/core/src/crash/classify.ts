import type { Crash, CrashCategory } from './crash.js';

/** A category, and the words that tell a reader how it was reached. */
export interface CrashClassification {
  readonly category: CrashCategory;
  readonly reason: string;
  /** True where somebody meant the process to end: its supervisor, or an operator with a polite signal. */
  readonly shutdown: boolean;
}

/** Signals that the processor or the C library raises when native code goes wrong. */
const FAULTS = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS', 'SIGABRT']);

/** Signals by which people and service managers ask a process to end. */
const SHUTDOWNS = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/**
 * What V8, the C++ runtime and Node print when memory runs out. SIGABRT alone cannot tell exhaustion from `abort()`;
 * a failed allocation of a buffer ends in an exception and exit code 1.
 */
const OUT_OF_MEMORY =
  /FATAL ERROR: .*(?:heap|memory)|bad_alloc|Array buffer allocation failed|ERR_WORKER_OUT_OF_MEMORY/i;

/** Node ends its report of an uncaught exception with its version, on a line of its own. */
const UNCAUGHT = /^Node\.js v\d/m;

/** Shells and wrappers report death by signal n as exit code 128 + n. */
const SIGNAL_OF_CODE: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  133: 'SIGTRAP',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
  152: 'SIGXCPU',
};

/** The smallest NTSTATUS of severity "error", which Windows reports as the exit code after a fault. */
const NTSTATUS_ERROR = 0xc0000000;

/**
 * Says why a process ended. Pure. What the supervisor saw or did itself comes first, since it is certain; then the
 * signal; then the exit code; text on standard error only refines these.
 */
export function classifyCrash(crash: Crash): CrashClassification {
  const observed = fromObservation(crash);
  if (observed !== undefined) return observed;

  const signal = crash.signal ?? (crash.code === null ? undefined : SIGNAL_OF_CODE[crash.code]);
  if (signal !== undefined) return fromSignal(signal, crash);
  if (crash.code !== null) return fromCode(crash.code, crash);
  return classified('unknown', 'it ended with neither an exit code nor a signal');
}

function fromObservation(crash: Crash): CrashClassification | undefined {
  switch (crash.observation) {
    case 'requested':
      return { ...classified('requested-exit', 'its supervisor ended it'), shutdown: true };
    case 'spawn-failed':
      return classified('spawn', 'the system could not start it');
    case 'protocol-error':
    case 'call-timeout':
    case 'memory-killed':
    case 'ended':
      break;
  }
  if (crash.activity === 'starting') return fromStart(crash);
  if (crash.observation === 'protocol-error') {
    return classified('protocol', 'what it sent on its channel made no sense');
  }
  if (crash.observation === 'call-timeout') {
    return classified('hang', 'a call was not answered in time');
  }
  if (crash.observation === 'memory-killed') {
    return classified(
      'resource',
      'memory of its control group ran out, and the kernel killed (SIGKILL)',
    );
  }
  return undefined;
}

/** A process that was never ready held no state that could be lost: how it failed matters less than that it did. */
function fromStart(crash: Crash): CrashClassification {
  const how = crash.signal ?? (crash.code === null ? 'no status' : `exit code ${crash.code}`);
  const late = crash.observation === 'call-timeout' ? 'it was not ready in time' : undefined;
  const garbled =
    crash.observation === 'protocol-error' ? 'it broke the protocol while starting' : undefined;
  return classified('spawn', late ?? garbled ?? `it ended before it was ready (${how})`);
}

function fromSignal(signal: string, crash: Crash): CrashClassification {
  if (signal === 'SIGXCPU') {
    return classified('resource', 'its limit of processor time was reached (SIGXCPU)');
  }
  if (FAULTS.has(signal)) {
    return OUT_OF_MEMORY.test(crash.stderrTail)
      ? classified('resource', `memory ran out (${signal}, and its report on standard error)`)
      : classified('engine-fault', `a fault in native code or in the engine (${signal})`);
  }
  if (SHUTDOWNS.has(signal)) {
    const reason = `somebody asked it to end (${signal})`;
    return { ...classified('external-kill', reason), shutdown: true };
  }
  if (signal === 'SIGKILL') return classified('external-kill', reasonOfSigkill(crash));
  return classified('external-kill', `a signal from outside (${signal})`);
}

/** Who sent SIGKILL cannot be known, but who might have can. */
function reasonOfSigkill({ limits, ageMs }: Crash): string {
  const cpuMs = (limits.cpuSecondsMax ?? Number.POSITIVE_INFINITY) * 1000;
  const hard = ageMs >= cpuMs ? ', or the hard limit of processor time' : '';
  return `killed from outside: an operator, the kernel when memory ran out${hard} (SIGKILL)`;
}

function fromCode(code: number, crash: Crash): CrashClassification {
  if (code >= NTSTATUS_ERROR) {
    return classified('engine-fault', `a fault in native code (0x${code.toString(16)})`);
  }
  if (code !== 0 && OUT_OF_MEMORY.test(crash.stderrTail)) {
    return classified('resource', `memory ran out (exit code ${code}, and its report)`);
  }
  if (code !== 0 && UNCAUGHT.test(crash.stderrTail)) {
    return classified('unknown', `an exception that nothing caught (exit code ${code})`);
  }
  return classified('requested-exit', `it ended itself (exit code ${code})`);
}

function classified(category: CrashCategory, reason: string): CrashClassification {
  return { category, reason, shutdown: false };
}
