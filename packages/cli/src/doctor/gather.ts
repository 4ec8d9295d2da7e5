import { arch, freemem, release, totalmem } from 'node:os';
import { answersDebugSignal, debuggerWays } from '@securemem/core/contract';
import type { BackendFacts, Facts, Unknown } from './facts.js';
import { installedBackends } from './installed-backends.js';
import {
  canHibernate,
  fieldOf,
  groupLimitOf,
  hasLockCapability,
  isUserNamespace,
  kilobytesOf,
  limitOf,
  numberIn,
  readLink,
  readText,
} from './proc.js';
import { secretNamesOf } from './secret-names.js';
import { surroundingsOf } from './surroundings.js';

/**
 * All facts about this machine and this process, for a program that runs in `directory`. Changes nothing that outlives the
 * call: each backend that is installed there is opened, maps one page, and is closed.
 */
export function gatherFacts(directory: string): Facts {
  const status = readText('/proc/self/status');
  const limits = readText('/proc/self/limits');
  const meminfo = readText('/proc/meminfo');
  const [soft, hard] = limitOf(limits, 'Max locked memory');
  const backends = installedBackends(directory);
  return {
    platform: process.platform,
    arch: arch(),
    release: release(),
    runtime: runtimeName(),
    surroundings: surroundingsOf(process.env),
    uid: process.getuid?.() ?? 'unknown',
    pageByteLength: backends.find(({ state }) => state === 'open')?.pageByteLength ?? 'unknown',
    lock: {
      soft,
      hard,
      inUseByteLength: kilobytesOf(status, 'VmLck'),
      capability: hasLockCapability(status),
      userNamespace: isUserNamespace(readLink('/proc/self/ns/user')),
    },
    mappings: {
      inUse: linesOf(readText('/proc/self/maps')),
      max: numberIn(readText('/proc/sys/vm/max_map_count')) ?? 'unknown',
    },
    memfdSecret: memfdSecretOf(backends),
    coreFiles: { limit: limitOf(limits, 'Max core file size')[0], toProgram: coreGoesToProgram() },
    ptraceScope: ptraceScope(status),
    debugger: debuggerOf(),
    swapByteLength: kilobytesOf(meminfo, 'SwapTotal'),
    hibernation: canHibernate(readText),
    memory: {
      totalByteLength: totalmem(),
      availableByteLength: knownOr(kilobytesOf(meminfo, 'MemAvailable'), freemem()),
      groupLimitByteLength: groupLimitOf(readText),
    },
    seccomp: numberIn(fieldOf(status, 'Seccomp')) ?? 'unknown',
    permissionModel: permissionModel(),
    secretNames: secretNamesOf(Object.keys(process.env)),
    sigsegvListeners: process.listenerCount('SIGSEGV'),
    backends,
  };
}

function knownOr(value: number | Unknown, otherwise: number): number {
  return value === 'unknown' ? otherwise : value;
}

function linesOf(text: string | undefined): number | Unknown {
  return text === undefined ? 'unknown' : text.split('\n').length - 1;
}

/** Only a backend that tried it can tell. */
function memfdSecretOf(backends: readonly BackendFacts[]): boolean | Unknown {
  return backends.find(({ hides }) => hides !== undefined)?.hides ?? 'unknown';
}

function coreGoesToProgram(): boolean | Unknown {
  return readText('/proc/sys/kernel/core_pattern')?.startsWith('|') ?? 'unknown';
}

function ptraceScope(status: string | undefined): Facts['ptraceScope'] {
  const scope = numberIn(readText('/proc/sys/kernel/yama/ptrace_scope'));
  return scope ?? (status === undefined ? 'unknown' : 'none');
}

/** Of this process: a program that is started in the same way is as open, until it closes what it can. */
function debuggerOf(): Facts['debugger'] {
  const inspector = process.features.inspector
    ? process.getBuiltinModule('node:inspector')
    : undefined;
  const runtime = { process, isMainThread: true, inspector };
  return { signal: answersDebugSignal(runtime), ways: debuggerWays(runtime) };
}

function permissionModel(): Facts['permissionModel'] {
  const on = (process as { permission?: unknown }).permission !== undefined;
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return { on, addons: !on || given.includes('--allow-addons') };
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}
