import {
  type AllocatorOptions,
  COUNT_MAX,
  GUARANTEES,
  type Guarantee,
  integer,
  oneOf,
  REGION_BYTE_LENGTH_MAX,
  SEALS_PER_KEY_MAX,
  TIMER_MS_MAX,
} from './options.js';

/** What an environment can say of an allocator: everything but the backends. */
export type OptionsFromEnv = Omit<AllocatorOptions, 'backend' | 'fallback'>;

const PREFIX = 'SECUREMEM_';

const SERVICE_LINK =
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

type Reader = (name: string, text: string) => unknown;

/** Every variable without its prefix, the group its option is in, and how its text is read. */
const VARIABLES: ReadonlyMap<string, readonly [group: string, option: string, read: Reader]> =
  new Map([
    variable('budget.lockedByteLengthMax', (name, text) =>
      text === 'auto' ? text : count(0)(name, text),
    ),
    variable('budget.lockedByteLengthMin', count(0)),
    variable('budget.headroomByteLength', count(0)),
    variable('budget.secretsMax', count(1, COUNT_MAX)),
    variable('budget.raiseLimit', truth),
    variable('routing.pooledByteLengthMax', count(0, REGION_BYTE_LENGTH_MAX)),
    variable('routing.slabByteLengthMax', count(1, REGION_BYTE_LENGTH_MAX)),
    variable('routing.isolateViews', truth),
    variable('admission.queueLengthMax', count(0, 1_000_000)),
    variable('admission.waitMsMax', count(0, TIMER_MS_MAX)),
    variable('sealing.sealsPerKeyMax', count(1, SEALS_PER_KEY_MAX)),
    variable('sealing.closeKeyPages', truth),
    variable('fallbackByteLengthMax', count(1)),
    variable('onCapacity', word('wait', 'throw', 'fallback', 'abort')),
    variable('onCorruption', word('throw', 'purge', 'abort')),
    variable('atRest', word('accessible', 'read-only', 'no-access')),
    variable('leakDetection', word('sampled', 'all', 'off')),
    variable('idleMs', count(2, TIMER_MS_MAX)),
    variable('require', (name, text) =>
      text.split(',').map((item): Guarantee => oneOf(name, item.trim(), GUARANTEES)),
    ),
    variable('quarantineMax', count(0, 1_048_576)),
    variable('exitHooks', truth),
  ]);

/**
 * Options of `createAllocator` from environment variables, for an application that wants that:
 * `createAllocator({ backend, ...optionsFromEnv(process.env) })`. Nothing but `fromCredentials` reads the environment by itself.
 *
 * A variable is named as its option, without the group: `SECUREMEM_POOLED_BYTE_LENGTH_MAX` is
 * `routing.pooledByteLengthMax`. Numbers are decimal digits in the unit of the option, `SECUREMEM_LOCKED_BYTE_LENGTH_MAX`
 * may be `auto`, switches are `true` or `false`, and `SECUREMEM_REQUIRE` is a list with commas. What is not set is not in the
 * result. The empty text is no value, and a name that is not known may be a typing error: both are refused. What depends on
 * the backend, such as a multiple of its page, `createAllocator` checks.
 *
 * Throws `TypeError` for a text of the wrong kind or an unknown `SECUREMEM_` name, and `RangeError` for a number out of
 * bounds; the message names the variable and shows no text but a number.
 */
export function optionsFromEnv(env: Readonly<Record<string, string | undefined>>): OptionsFromEnv {
  if (typeof env !== 'object' || env === null) {
    throw new TypeError('optionsFromEnv takes an environment, such as process.env');
  }
  const options: Record<string, unknown> = Object.create(null);
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || isServiceLink(name)) continue;
    const found = VARIABLES.get(name.slice(PREFIX.length));
    if (found === undefined) {
      const known = [...VARIABLES.keys()].map((known) => PREFIX + known).join(', ');
      throw new TypeError(`unknown variable ${name}; known are ${known}`);
    }
    if (typeof text !== 'string') throw new TypeError(`${name} must be text`);
    const [group, option, read] = found;
    const value = read(name, text);
    if (group === '') options[option] = value;
    else options[group] = Object.assign(Object.create(null), options[group], { [option]: value });
  }
  return options;
}

/**
 * Whether Kubernetes puts this name into each container of a name space that has a service called `securemem` or
 * `securemem-…`. No option ends so.
 */
function isServiceLink(name: string): boolean {
  return SERVICE_LINK.test(name);
}

function variable(path: string, read: Reader): [string, readonly [string, string, Reader]] {
  const dot = path.indexOf('.');
  const option = path.slice(dot + 1);
  const name = option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return [name, [path.slice(0, Math.max(dot, 0)), option, read]];
}

function count(min: number, max?: number): Reader {
  return (name, text) => {
    if (!/^-?\d+$/.test(text)) throw new TypeError(`${name} must be a number in decimal digits`);
    return integer(name, Number(text), min, max);
  };
}

function word<const T extends string>(...words: readonly [T, ...T[]]): Reader {
  return (name, text) => oneOf(name, text, words);
}

function truth(name: string, text: string): boolean {
  return oneOf(name, text, ['true', 'false']) === 'true';
}
