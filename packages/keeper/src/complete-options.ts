import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type CrashPolicy, halt, ownProperties, requireCrashPolicy } from '@securemem/core';
import type { HostFunctions } from './host-function.js';
import { requireName } from './names.js';
import type { KeeperLimits, KeeperOptions, RecycleOptions } from './options.js';
import type { KeeperEvents, KeeperListeners } from './supervisor/reports.js';

/**
 * The options with every default filled in: objects without a prototype, made of own properties alone, so that data that
 * polluted a prototype changes nothing, and copies, so that nothing changes after it was checked.
 */
export interface CompleteOptions {
  readonly moduleUrl: string;
  readonly crashPolicy: CrashPolicy;
  /** What the caller asked for; the default of a limit is not among it. */
  readonly limits: KeeperLimits;
  readonly callMsMax: number;
  readonly startMsMax: number;
  readonly closeMsMax: number;
  readonly termMsMax: number;
  readonly payloadByteLengthMax: number;
  readonly callsMax: number;
  readonly host: HostFunctions;
  readonly hostCallsMax: number;
  readonly env: Readonly<Record<string, string>>;
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly descriptors: readonly number[];
  readonly recycle: RecycleOptions | undefined;
  readonly signal: AbortSignal | undefined;
  readonly listeners: KeeperListeners;
}

/** A record of names, so that the compiler finds one that was forgotten. */
const NAMES: Readonly<Record<keyof KeeperOptions, true>> = {
  module: true,
  crashPolicy: true,
  limits: true,
  callMsMax: true,
  startMsMax: true,
  closeMsMax: true,
  termMsMax: true,
  payloadByteLengthMax: true,
  callsMax: true,
  host: true,
  hostCallsMax: true,
  env: true,
  execPath: true,
  execArgv: true,
  descriptors: true,
  recycle: true,
  signal: true,
  listeners: true,
};

const EVENTS: Readonly<Record<keyof KeeperEvents, true>> = {
  crash: true,
  restart: true,
  halt: true,
};

const MIB = 1024 * 1024;

/** What `setTimeout` can wait at most. */
export const MS_MAX = 2 ** 31 - 1;

/** Of every limit: the smallest value. */
const LIMIT_MINIMA: Readonly<Record<keyof KeeperLimits, number>> = {
  lockedByteLengthMax: 0,
  coreByteLengthMax: 0,
  cpuSecondsMax: 1,
  heapByteLengthMax: 16 * MIB,
};

const RECYCLE_RANGES: Readonly<Record<keyof RecycleOptions, readonly [number, number]>> = {
  callsMax: [1, Number.MAX_SAFE_INTEGER],
  ageMsMax: [1_000, MS_MAX],
  residentByteLengthMax: [16 * MIB, Number.MAX_SAFE_INTEGER],
};

/** The index of a name crosses in 16 bits; far fewer are ever needed. */
export const NAMES_MAX = 1_024;

const DESCRIPTORS_MAX = 16;

/** Throws `TypeError` or `RangeError` for what is unknown or outside its documented range. */
export function completeOptions(options: KeeperOptions): CompleteOptions {
  const given = ownProperties(options, 'openKeeper: options');
  refuseUnknown('openKeeper', given, NAMES);
  const crashPolicy = given.crashPolicy ?? halt();
  requireCrashPolicy(crashPolicy);
  const int = (name: keyof KeeperOptions, otherwise: number, min: number, max: number): number =>
    integer(name, given[name] ?? otherwise, min, max);
  return ownProperties(
    {
      moduleUrl: completeModule(given.module),
      crashPolicy,
      limits: completeLimits(given.limits),
      callMsMax: int('callMsMax', 30_000, 1, MS_MAX),
      startMsMax: int('startMsMax', 30_000, 1, MS_MAX),
      closeMsMax: int('closeMsMax', 5_000, 1, MS_MAX),
      termMsMax: int('termMsMax', 2_000, 1, MS_MAX),
      payloadByteLengthMax: int('payloadByteLengthMax', MIB, 64, 64 * MIB),
      callsMax: int('callsMax', 10_000, 1, 1_000_000),
      host: completeHost(given.host),
      hostCallsMax: int('hostCallsMax', 64, 1, 1_000_000),
      env: completeEnvironment(given.env),
      execPath: text('execPath', given.execPath ?? process.execPath),
      execArgv: list('execArgv', given.execArgv ?? []).map((option) => text('execArgv', option)),
      descriptors: completeDescriptors(given.descriptors),
      recycle: completeRecycle(given.recycle),
      signal: optionalSignal('openKeeper: signal', given.signal),
      listeners: completeListeners(given.listeners, EVENTS),
    },
    'options',
  );
}

function completeModule(given: unknown): string {
  try {
    // A URL of another realm is known by what it says, and becomes one of this realm.
    const text = typeof given === 'string' ? given : (given as URL).href;
    const url = isAbsolute(text) ? pathToFileURL(text) : new URL(text);
    fileURLToPath(url);
    return url.href;
  } catch (cause) {
    throw noModule(cause);
  }
}

function noModule(cause?: unknown): TypeError {
  return new TypeError('openKeeper: module must be an absolute path or a file URL', { cause });
}

function completeLimits(limits: KeeperLimits | undefined): KeeperLimits {
  const given = ownProperties(limits, 'limits');
  refuseUnknown('limits', given, LIMIT_MINIMA);
  const complete = ownProperties<Record<string, number>>({}, 'limits');
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const minimum = LIMIT_MINIMA[name as keyof KeeperLimits];
    complete[name] = integer(name, value, minimum, Number.MAX_SAFE_INTEGER);
  }
  return complete;
}

function completeRecycle(recycle: RecycleOptions | undefined): RecycleOptions | undefined {
  if (recycle === undefined) return undefined;
  const given = ownProperties(recycle, 'recycle');
  refuseUnknown('recycle', given, RECYCLE_RANGES);
  const complete = ownProperties<Record<string, number>>({}, 'recycle');
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const [minimum, maximum] = RECYCLE_RANGES[name as keyof RecycleOptions];
    complete[name] = integer(`recycle: ${name}`, value, minimum, maximum);
  }
  return complete;
}

function completeHost(host: HostFunctions | undefined): HostFunctions {
  const given = ownProperties<HostFunctions>(host ?? {}, 'host');
  const names = Object.keys(given);
  if (names.length > NAMES_MAX) throw new RangeError(`openKeeper: at most ${NAMES_MAX} functions`);
  for (const name of names) {
    requireName('host', name);
    if (typeof given[name] !== 'function') throw new TypeError(`host: ${name} is no function`);
  }
  return given;
}

/** Without a prototype, since the runtime walks it with `for … in`, inherited names included. */
function completeEnvironment(env: KeeperOptions['env']): Readonly<Record<string, string>> {
  const complete = ownProperties<Record<string, string>>({}, 'env');
  for (const [name, value] of Object.entries(ownProperties(env, 'env'))) {
    if (value !== undefined) complete[name] = text(`env: ${name}`, value);
  }
  return complete;
}

function completeDescriptors(given: readonly number[] | undefined): readonly number[] {
  const descriptors = list('descriptors', given ?? []);
  if (descriptors.length > DESCRIPTORS_MAX) {
    throw new RangeError(`openKeeper: at most ${DESCRIPTORS_MAX} descriptors`);
  }
  return descriptors.map((descriptor) => integer('descriptors', descriptor, 0, MS_MAX));
}

/** Throws `TypeError` for an event that is not among `known`, and for what is no function. */
export function completeListeners<Listeners extends object>(
  listeners: Listeners | undefined,
  known: object,
): Listeners {
  const given = ownProperties<Listeners>(listeners ?? ({} as Listeners), 'listeners');
  refuseUnknown('listeners', given, known);
  for (const [name, listener] of Object.entries(given)) {
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError(`listeners: ${name} is no function`);
    }
  }
  return given;
}

/** By its shape, since a signal of another realm is as good. Throws `TypeError` for anything else but undefined. */
export function optionalSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const signal = value as Partial<AbortSignal> | null;
  if (typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function') {
    return value as AbortSignal;
  }
  throw new TypeError(`${name} must be an AbortSignal`);
}

function list(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array`);
  return Array.from(value);
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${name} must be a string`);
}

/** Throws `RangeError` for what is no integer from `min` to `max`. */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`);
}

/** Throws `TypeError` for a name that is not among `known`. */
export function refuseUnknown(where: string, given: object, known: object): void {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`${where}: unknown option ${name}`);
  }
}
