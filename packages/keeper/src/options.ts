import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type CrashPolicy, halt, requireCrashPolicy } from '@securemem/core';
import type { HostFunctions } from './host-function.js';

/** Limits of the keeper's own process. What is absent is inherited from the host. */
export interface KeeperLimits {
  /** Bytes that the keeper may lock: its own limit, and the budget of its allocator unless that is given one. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file; default 0, so that a crash writes no memory to disk. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time over the keeper's whole life. A busy keeper reaches it; choose accordingly. */
  readonly cpuSecondsMax?: number;
  /** Bytes of V8's old generation, rounded down to MiB, at least 16 MiB. */
  readonly heapByteLengthMax?: number;
}

/** The part of the limits that the keeper module's `harden` sets, inside the keeper. */
export type HardenLimits = Omit<KeeperLimits, 'heapByteLengthMax'>;

/** What `openKeeper()` takes. */
export interface KeeperOptions {
  /** The module that calls `defineKeeper`: an absolute path or a file URL. */
  readonly module: string | URL;
  /** What a crash means; default `halt()`. Keepers that share one policy object halt together. */
  readonly crashPolicy?: CrashPolicy;
  readonly limits?: KeeperLimits;
  /**
   * The longest time a call may take, in milliseconds, callbacks to the host included. A keeper that exceeds it hangs
   * and is killed. Waiting for a restart is bounded by it too, without killing anything. Default 30,000.
   */
  readonly callMsMax?: number;
  /** The longest time from the start of the process until it is provisioned. Default 30,000 ms. */
  readonly startMsMax?: number;
  /** How long `close()` waits for open calls and for the keeper's own goodbye before SIGTERM. Default 5,000 ms. */
  readonly closeMsMax?: number;
  /** How long `close()` waits after SIGTERM before SIGKILL. Default 2,000 ms. */
  readonly termMsMax?: number;
  /** The longest payload and the longest result, in bytes; 64 to 64 MiB. Default 1 MiB. */
  readonly payloadByteLengthMax?: number;
  /** Calls that are open or waiting at once; one more is refused. 1 to 1,000,000. Default 10,000. */
  readonly callsMax?: number;
  /** The functions of the host that operations may call. */
  readonly host?: HostFunctions;
  /** The keeper's whole environment. Nothing is inherited. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** The runtime; default: the one that runs the host. */
  readonly execPath?: string;
  /** Options of the runtime, before ours. Nothing is inherited. Default: none. */
  readonly execArgv?: readonly string[];
  /** Descriptors of the host that the keeper gets as 5, 6, …: for secrets that no one else should read. At most 16. */
  readonly descriptors?: readonly number[];
}

/** The options with every default filled in. */
export interface CompleteOptions {
  readonly moduleUrl: string;
  readonly crashPolicy: CrashPolicy;
  readonly limits: KeeperLimits;
  readonly callMsMax: number;
  readonly startMsMax: number;
  readonly closeMsMax: number;
  readonly termMsMax: number;
  readonly payloadByteLengthMax: number;
  readonly callsMax: number;
  readonly host: HostFunctions;
  readonly env: Readonly<Record<string, string>>;
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly descriptors: readonly number[];
}

const NAMES: readonly (keyof KeeperOptions)[] = [
  'module',
  'crashPolicy',
  'limits',
  'callMsMax',
  'startMsMax',
  'closeMsMax',
  'termMsMax',
  'payloadByteLengthMax',
  'callsMax',
  'host',
  'env',
  'execPath',
  'execArgv',
  'descriptors',
];

const LIMIT_NAMES: readonly (keyof KeeperLimits)[] = [
  'lockedByteLengthMax',
  'coreByteLengthMax',
  'cpuSecondsMax',
  'heapByteLengthMax',
];

const MIB = 1024 * 1024;

/** What `setTimeout` can wait at most. */
const MS_MAX = 2 ** 31 - 1;

/** The index of a name crosses in 16 bits; far fewer are ever needed. */
export const NAMES_MAX = 1_024;

/** Throws `TypeError` or `RangeError` for what is unknown or outside its documented range. */
export function completeOptions(given: KeeperOptions): CompleteOptions {
  refuseUnknown('openKeeper', given, NAMES);
  const crashPolicy = given.crashPolicy ?? halt();
  requireCrashPolicy(crashPolicy);
  const descriptors = given.descriptors ?? [];
  if (descriptors.length > 16) throw new RangeError('openKeeper: at most 16 descriptors');
  for (const descriptor of descriptors) integer('descriptors', descriptor, 0, MS_MAX);
  return {
    moduleUrl: completeModule(given.module),
    crashPolicy,
    limits: completeLimits(given.limits ?? {}),
    callMsMax: integer('callMsMax', given.callMsMax ?? 30_000, 1, MS_MAX),
    startMsMax: integer('startMsMax', given.startMsMax ?? 30_000, 1, MS_MAX),
    closeMsMax: integer('closeMsMax', given.closeMsMax ?? 5_000, 1, MS_MAX),
    termMsMax: integer('termMsMax', given.termMsMax ?? 2_000, 1, MS_MAX),
    payloadByteLengthMax: integer(
      'payloadByteLengthMax',
      given.payloadByteLengthMax ?? MIB,
      64,
      64 * MIB,
    ),
    callsMax: integer('callsMax', given.callsMax ?? 10_000, 1, 1_000_000),
    host: completeHost(given.host ?? {}),
    env: { ...given.env },
    execPath: given.execPath ?? process.execPath,
    execArgv: [...(given.execArgv ?? [])],
    descriptors: [...descriptors],
  };
}

/** The options of the runtime that our own limits need, and those that close its inspector. */
export function runtimeArguments(options: CompleteOptions): string[] {
  const own: string[] = [];
  const { heapByteLengthMax } = options.limits;
  if (heapByteLengthMax !== undefined) {
    own.push(`--max-old-space-size=${Math.floor(heapByteLengthMax / MIB)}`);
  }
  // Older runtimes refuse the option; there the keeper's first statement listens to the signal instead.
  if (process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')) own.push('--disable-sigusr1');
  return [...options.execArgv, ...own];
}

function completeModule(given: string | URL): string {
  const url = given instanceof URL || !isAbsolute(String(given)) ? given : pathToFileURL(given);
  try {
    fileURLToPath(url);
  } catch (cause) {
    throw new TypeError('openKeeper: module must be an absolute path or a file URL', { cause });
  }
  return String(url);
}

function completeLimits(given: KeeperLimits): KeeperLimits {
  refuseUnknown('limits', given, LIMIT_NAMES);
  const limits = { coreByteLengthMax: 0, ...given };
  const positive = Number.MAX_SAFE_INTEGER;
  integer('coreByteLengthMax', limits.coreByteLengthMax, 0, positive);
  if (limits.lockedByteLengthMax !== undefined) {
    integer('lockedByteLengthMax', limits.lockedByteLengthMax, 0, positive);
  }
  if (limits.cpuSecondsMax !== undefined) {
    integer('cpuSecondsMax', limits.cpuSecondsMax, 1, positive);
  }
  if (limits.heapByteLengthMax !== undefined) {
    integer('heapByteLengthMax', limits.heapByteLengthMax, 16 * MIB, positive);
  }
  return limits;
}

function completeHost(given: HostFunctions): HostFunctions {
  const names = Object.keys(given);
  if (names.length > NAMES_MAX) throw new RangeError(`openKeeper: at most ${NAMES_MAX} functions`);
  for (const name of names) {
    if (typeof given[name] !== 'function') throw new TypeError(`host: ${name} is no function`);
  }
  return { ...given };
}

function integer(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`);
}

function refuseUnknown(where: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new TypeError(`${where}: unknown option ${name}`);
  }
}
