import { parseArgs } from 'node:util';
import type { BackendName } from '../signing/backend.js';
import type { MasterKeySource } from '../signing/vault.js';
import { databaseLocation } from './database-location.js';
import { LOG_LEVELS, type LogLevel } from './logger.js';
import type { DatabaseLocation } from './open-store.js';
import { requireSense } from './option-rules.js';
import { POLICY_NAMES, type PolicyName } from './policy-choice.js';

/** Where it listens: a port of this machine, or a socket of its file system. */
export type Listening =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

export interface ServiceConfig {
  readonly database: DatabaseLocation;
  readonly tokenPath: string;
  readonly masterKeySource: MasterKeySource;
  readonly backend: BackendName;
  /** Our own budget in bytes; `undefined` takes what the limit in force allows. */
  readonly budgetByteLength: number | undefined;
  /** Raises the soft lock limit to the hard one at the start. */
  readonly raiseLimit: boolean;
  readonly signing: 'in-process' | 'keeper';
  readonly crashPolicy: PolicyName;
  /** Ends the service when no restart will bring the keys back. */
  readonly exitWhenLost: boolean;
  readonly listening: Listening;
  /** The only chain that is signed for; `undefined` signs for every one. */
  readonly chainId: bigint | undefined;
  /** Most requests that wait for memory; one more is answered with 429. */
  readonly queueLengthMax: number;
  /** Longest wait for memory in milliseconds; then 503. */
  readonly waitMsMax: number;
  /** How long a client may take to send one request, in milliseconds. */
  readonly requestMsMax: number;
  /** How long a request holds its keys while it waits for its approval, in milliseconds. */
  readonly approvalMs: number;
  /** Longest time of one call to the keeper, waiting for memory and approval included, in milliseconds. */
  readonly callMsMax: number;
  readonly logLevel: LogLevel;
  /** Starts without reading the master key. */
  readonly sealed: boolean;
  /** Adds the controls that break things on purpose. */
  readonly demonstration: boolean;
}

/** A bad option: one clear line, exit code 2. */
export class ConfigError extends Error {}

export const SERVICE_USAGE = `signer --database PATH --token-file PATH --master-key-file PATH [OPTION…]
signer backup | restore | rotate-master-key | verify-audit [OPTION…]

  --database PATH                    SQLite file; made when it is not there; or
  --database postgres://USER@HOST/DB a server that several replicas share (?sslmode=disable|verify-full)
  --database-password-file PATH      its password; never in the address
  --token-file PATH                  bearer tokens of 32 to 256 bytes, one a line; read again when it changes
  --master-key-file PATH             32 bytes; or
  --master-key-fd N                  a descriptor to read them from, once; or
  --master-key-terminal              ask for them, as 64 hexadecimal digits
  --backend koffi|napi|nolock        what locks the memory (koffi)
  --budget BYTES                     our own budget, at least 16384 (what the limit allows)
  --raise-limit                      raise the soft lock limit to the hard one
  --signing in-process|keeper        where the keys are (in-process)
  --crash-policy halt|exit|terminate|retry
                                     what a dead keeper means (retry); exit is a halt that ends the service, code 70
  --exit-when-lost                   end with code 70 when no restart will bring the keys back
  --call-deadline MS                 longest call to the keeper (wait + approval + 15000)
  --host ADDRESS                     127.0.0.1 or ::1 (127.0.0.1)
  --port N                           0 takes a free one (8545); or
  --socket PATH                      a unix socket, for its owner only
  --chain-id N                       sign for this chain only; eth_chainId answers it
  --queue N                          most requests that wait for memory (2000)
  --wait MS                          longest wait for memory (8000)
  --request-timeout MS               how long a client may take to send a request (10000)
  --approval MS                      how long a request holds its keys (0)
  --log-level debug|info|warn|error|silent
                                     JSON lines on standard error (info)
  --sealed                           start without the master key
  --demonstration                    add the controls that break things on purpose
  --help`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

const OPTIONS = {
  database: TEXT,
  'database-password-file': TEXT,
  'token-file': TEXT,
  'master-key-file': TEXT,
  'master-key-fd': TEXT,
  'master-key-terminal': FLAG,
  backend: TEXT,
  budget: TEXT,
  'raise-limit': FLAG,
  signing: TEXT,
  'crash-policy': TEXT,
  'exit-when-lost': FLAG,
  'call-deadline': TEXT,
  host: TEXT,
  port: TEXT,
  socket: TEXT,
  'chain-id': TEXT,
  queue: TEXT,
  wait: TEXT,
  'request-timeout': TEXT,
  approval: TEXT,
  'log-level': TEXT,
  sealed: FLAG,
  demonstration: FLAG,
  help: FLAG,
} as const;

export type OptionValues = ReturnType<typeof parseOptions<typeof OPTIONS>>;

/** Beyond waiting and approval a call takes no longer than this, in milliseconds: on a busy machine, too. */
const CALL_MARGIN_MS = 15_000;

/** Reads the command line. Throws ConfigError. */
export function parseConfig(args: readonly string[]): ServiceConfig | 'help' {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return 'help';
  const waitMsMax = count('wait', values.wait ?? '8000', 0, 600_000);
  const approvalMs = count('approval', values.approval ?? '0', 0, 60_000);
  const longest = waitMsMax + approvalMs;
  const config: ServiceConfig = {
    database: databaseLocation(
      required('database', values.database),
      values['database-password-file'],
    ),
    tokenPath: required('token-file', values['token-file']),
    masterKeySource: masterKeySource(values),
    backend: choice('backend', values.backend ?? 'koffi', ['koffi', 'napi', 'nolock']),
    budgetByteLength:
      values.budget === undefined
        ? undefined
        : count('budget', values.budget, BUDGET_BYTE_LENGTH_MIN, Number.MAX_SAFE_INTEGER),
    raiseLimit: values['raise-limit'] === true,
    signing: choice('signing', values.signing ?? 'in-process', ['in-process', 'keeper']),
    crashPolicy: choice('crash-policy', values['crash-policy'] ?? 'retry', POLICY_NAMES),
    exitWhenLost: values['exit-when-lost'] === true,
    listening: listening(values),
    chainId:
      values['chain-id'] === undefined
        ? undefined
        : BigInt(count('chain-id', values['chain-id'], 1, Number.MAX_SAFE_INTEGER)),
    queueLengthMax: count('queue', values.queue ?? '2000', 0, 1_000_000),
    waitMsMax,
    requestMsMax: count('request-timeout', values['request-timeout'] ?? '10000', 1, 600_000),
    approvalMs,
    callMsMax: count(
      'call-deadline',
      values['call-deadline'] ?? `${longest + CALL_MARGIN_MS}`,
      1,
      3_600_000,
    ),
    logLevel: choice('log-level', values['log-level'] ?? 'info', LOG_LEVELS),
    sealed: values.sealed === true,
    demonstration: values.demonstration === true,
  };
  requireSense(config, values);
  return config;
}

/** The master key, one request and, in a keeper, one page to receive. */
const BUDGET_BYTE_LENGTH_MIN = 16_384;

/** As `parseArgs`; an option that is given twice is a contradiction, not a later opinion. Throws ConfigError. */
export function parseOptions<const T extends Readonly<Record<string, typeof TEXT | typeof FLAG>>>(
  args: readonly string[],
  options: T,
) {
  try {
    const { values, tokens } = parseArgs({ args: [...args], options, tokens: true });
    const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) throw new ConfigError(`--${twice} is given twice`);
    return values;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError((error as Error).message.split(/[.\n]/)[0] ?? 'bad option');
  }
}

function listening(values: OptionValues): Listening {
  const { host = '127.0.0.1', port = '8545', socket } = values;
  if (socket !== undefined) {
    if (values.host !== undefined || values.port !== undefined) {
      throw new ConfigError('give --socket, or --host and --port');
    }
    return { kind: 'socket', path: required('socket', socket) };
  }
  if (host !== '127.0.0.1' && host !== '::1') {
    throw new ConfigError(
      '--host must be 127.0.0.1 or ::1: put a proxy with TLS before it for others',
    );
  }
  return { kind: 'port', host, port: count('port', port, 0, 65_535) };
}

function masterKeySource(values: OptionValues): MasterKeySource {
  const path = values['master-key-file'];
  const fd = values['master-key-fd'];
  const terminal = values['master-key-terminal'] === true;
  if (Number(path !== undefined) + Number(fd !== undefined) + Number(terminal) !== 1) {
    throw new ConfigError(
      'give one of --master-key-file, --master-key-fd and --master-key-terminal',
    );
  }
  if (path !== undefined) return { kind: 'file', path: required('master-key-file', path) };
  if (fd !== undefined) {
    return { kind: 'descriptor', fd: count('master-key-fd', fd, 3, 1_000_000) };
  }
  return { kind: 'terminal' };
}

/** The value of an option that must be there. Throws ConfigError. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '')
    throw new ConfigError(`--${name} is missing; see --help`);
  return value;
}

/** One of a few words. Throws ConfigError. */
export function choice<const T extends string>(
  name: string,
  value: string,
  values: readonly T[],
): T {
  if (values.includes(value as T)) return value as T;
  throw new ConfigError(`--${name} must be one of ${values.join(', ')}`);
}

function count(name: string, value: string, min: number, max: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  throw new ConfigError(`--${name} must be a whole number from ${min} to ${max}`);
}
