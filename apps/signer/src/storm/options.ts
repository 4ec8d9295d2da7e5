import { parseArgs } from 'node:util';
import { BACKEND_NAMES, type BackendChoice } from '../signing/backend.js';

export type Placement = 'page' | 'pooled';
export type StormOnCapacity = 'throw' | 'wait';

/** How a keeper is treated. */
export interface KeeperOptions {
  readonly crashPolicy: 'halt' | 'terminate' | 'retry';
  /** How often it is killed, spread over the run. */
  readonly chaos: number;
}

/** One storm. Byte lengths are bytes. */
export interface StormOptions extends BackendChoice {
  /** The lock limit that the signing process is confined to; 0 leaves the limit alone. */
  readonly memlockByteLength: number;
  /** Our own budget; `undefined` takes what the limit in force allows. */
  readonly budgetByteLength: number | undefined;
  readonly concurrency: number;
  readonly requests: number;
  readonly placement: Placement;
  readonly onCapacity: StormOnCapacity;
  /** Present when the keys are in a keeper. */
  readonly keeper?: KeeperOptions;
}

/** What the command line asks for. `compare` runs the three usual designs instead of one. */
export interface StormCommand {
  readonly options: StormOptions;
  readonly compare: boolean;
  readonly json: boolean;
}

/** A bad option: one clear line for the user, exit code 2. */
export class UsageError extends Error {}

/** More than this is no storm but a mistake; it also bounds what is kept for verification. */
const COUNT_MAX = 1_000_000;
/** As many restarts as a retry policy can grant. */
const CHAOS_MAX = 10_000;

export const USAGE = `npm run storm -- [OPTION…]

Signs Ethereum transactions under a small lock limit, in a child process, and has an independent library recover the
sender of every one. Without --placement and --on-capacity it compares three designs in a table.

  --backend ${BACKEND_NAMES.join('|')}      what locks the memory (koffi); ffi needs Node 26.9
  --kernel-hidden prefer|require|off   memfd_secret pages (napi: prefer, others: off)
  --memlock BYTES                      lock limit of the signing process; 0 leaves it alone (65536)
  --budget BYTES                       our own budget (what the limit allows)
  --concurrency N                      requests in flight (1000)
  --requests N                         requests in all (1000)
  --placement page|pooled              one region per secret, or shared slabs (pooled)
  --on-capacity throw|wait             what a request does when there is no place (wait)
  --keeper                             keep the keys in a supervised process
  --crash-policy halt|terminate|retry  what the death of that process means (halt)
  --chaos K                            kill it K times, spread over the run (0)
  --json                               one JSON object on stdout and nothing else
  --help`;

/** Reads the command line. Throws UsageError for anything it does not know. */
export function parseStorm(args: readonly string[]): StormCommand | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const backend = choice('backend', values.backend ?? 'koffi', BACKEND_NAMES);
  if (values['kernel-hidden'] !== undefined && backend === 'nolock') {
    throw new UsageError('--kernel-hidden needs a backend that locks, and nolock does not');
  }
  const json = values.json === true;
  const options: StormOptions = {
    backend,
    kernelHidden:
      values['kernel-hidden'] === undefined
        ? undefined
        : choice('kernel-hidden', values['kernel-hidden'], ['prefer', 'require', 'off']),
    memlockByteLength: count('memlock', values.memlock ?? '65536', 0, Number.MAX_SAFE_INTEGER),
    budgetByteLength:
      values.budget === undefined
        ? undefined
        : count('budget', values.budget, 0, Number.MAX_SAFE_INTEGER),
    concurrency: count('concurrency', values.concurrency ?? '1000', 1, COUNT_MAX),
    requests: count('requests', values.requests ?? '1000', 1, COUNT_MAX),
    placement: choice('placement', values.placement ?? 'pooled', ['page', 'pooled']),
    onCapacity: choice('on-capacity', values['on-capacity'] ?? 'wait', ['throw', 'wait']),
    ...keeperOptions(values),
  };
  const one =
    values.placement !== undefined ||
    values['on-capacity'] !== undefined ||
    options.keeper !== undefined;
  return { options, json, compare: !json && !one };
}

function keeperOptions(values: ReturnType<typeof parse>): Pick<StormOptions, 'keeper'> {
  if (values.keeper !== true) {
    for (const name of ['crash-policy', 'chaos'] as const) {
      if (values[name] !== undefined) throw new UsageError(`--${name} needs --keeper`);
    }
    return {};
  }
  const policies = ['halt', 'terminate', 'retry'] as const;
  const crashPolicy = choice('crash-policy', values['crash-policy'] ?? 'halt', policies);
  return { keeper: { crashPolicy, chaos: count('chaos', values.chaos ?? '0', 0, CHAOS_MAX) } };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        backend: { type: 'string' },
        'kernel-hidden': { type: 'string' },
        memlock: { type: 'string' },
        budget: { type: 'string' },
        concurrency: { type: 'string' },
        requests: { type: 'string' },
        placement: { type: 'string' },
        'on-capacity': { type: 'string' },
        keeper: { type: 'boolean' },
        'crash-policy': { type: 'string' },
        chaos: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/[.\n]/)[0] ?? 'bad option');
  }
}

function choice<const T extends string>(name: string, value: string, values: readonly T[]): T {
  if (values.includes(value as T)) return value as T;
  throw new UsageError(`--${name} must be one of ${values.join(', ')}; it is '${value}'`);
}

function count(name: string, value: string, min: number, max: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}; it is '${value}'`);
}
