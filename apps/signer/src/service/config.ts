import { parseArgs } from 'node:util';
import type { BackendName } from '../signing/backend.js';
import type { MasterKeySource } from '../signing/vault.js';

export interface ServiceConfig {
  readonly databasePath: string;
  readonly tokenPath: string;
  readonly masterKeySource: MasterKeySource;
  readonly backend: BackendName;
  /** Our own budget in bytes; `undefined` takes what the limit in force allows. */
  readonly budgetByteLength: number | undefined;
  readonly signing: 'in-process' | 'keeper';
  readonly host: string;
  readonly port: number;
  /** Most requests that wait for memory; one more is answered with 429. */
  readonly queueLengthMax: number;
  /** Longest wait for memory in milliseconds; then 503. */
  readonly waitMsMax: number;
  /** How long a client may take to send one request, in milliseconds. */
  readonly requestMsMax: number;
  /** How long a request holds its keys while it waits for its approval, in milliseconds. */
  readonly approvalMs: number;
  /** Starts without reading the master key. */
  readonly sealed: boolean;
  /** Adds the controls that break things on purpose. */
  readonly demonstration: boolean;
}

/** A bad option: one clear line, exit code 2. */
export class ConfigError extends Error {}

export const SERVICE_USAGE = `signer --database PATH --token-file PATH --master-key-file PATH [OPTION…]

  --database PATH                    SQLite file; made when it is not there
  --token-file PATH                  bearer token of 32 to 256 bytes
  --master-key-file PATH             32 bytes; or
  --master-key-fd N                  a descriptor to read them from, once; or
  --master-key-terminal              ask for them, as 64 hexadecimal digits
  --backend koffi|napi|nolock        what locks the memory (koffi)
  --budget BYTES                     our own budget (what the limit allows)
  --signing in-process|keeper        where the keys are (in-process)
  --host ADDRESS                     127.0.0.1 or ::1 (127.0.0.1)
  --port N                           0 takes a free one (8545)
  --queue N                          most requests that wait for memory (2000)
  --wait MS                          longest wait for memory (8000)
  --request-timeout MS               how long a client may take to send a request (10000)
  --approval MS                      how long a request holds its keys (0)
  --sealed                           start without the master key
  --demonstration                    add the controls that break things on purpose
  --help`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

/** Reads the command line. Throws ConfigError. */
export function parseConfig(args: readonly string[]): ServiceConfig | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const host = values.host ?? '127.0.0.1';
  if (host !== '127.0.0.1' && host !== '::1') {
    throw new ConfigError(
      '--host must be 127.0.0.1 or ::1: put a proxy with TLS before it for others',
    );
  }
  return {
    databasePath: required('database', values.database),
    tokenPath: required('token-file', values['token-file']),
    masterKeySource: masterKeySource(values),
    backend: choice('backend', values.backend ?? 'koffi', ['koffi', 'napi', 'nolock']),
    budgetByteLength:
      values.budget === undefined
        ? undefined
        : count('budget', values.budget, Number.MAX_SAFE_INTEGER),
    signing: choice('signing', values.signing ?? 'in-process', ['in-process', 'keeper']),
    host,
    port: count('port', values.port ?? '8545', 65_535),
    queueLengthMax: count('queue', values.queue ?? '2000', 1_000_000),
    waitMsMax: count('wait', values.wait ?? '8000', 600_000),
    requestMsMax: count('request-timeout', values['request-timeout'] ?? '10000', 600_000),
    approvalMs: count('approval', values.approval ?? '0', 60_000),
    sealed: values.sealed === true,
    demonstration: values.demonstration === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        database: TEXT,
        'token-file': TEXT,
        'master-key-file': TEXT,
        'master-key-fd': TEXT,
        'master-key-terminal': FLAG,
        backend: TEXT,
        budget: TEXT,
        signing: TEXT,
        host: TEXT,
        port: TEXT,
        queue: TEXT,
        wait: TEXT,
        'request-timeout': TEXT,
        approval: TEXT,
        sealed: FLAG,
        demonstration: FLAG,
        help: FLAG,
      },
    }).values;
  } catch (error) {
    throw new ConfigError((error as Error).message.split(/[.\n]/)[0] ?? 'bad option');
  }
}

function masterKeySource(values: ReturnType<typeof parse>): MasterKeySource {
  const path = values['master-key-file'];
  const fd = values['master-key-fd'];
  const terminal = values['master-key-terminal'] === true;
  if (Number(path !== undefined) + Number(fd !== undefined) + Number(terminal) !== 1) {
    throw new ConfigError(
      'give one of --master-key-file, --master-key-fd and --master-key-terminal',
    );
  }
  if (terminal && values.signing === 'keeper') {
    throw new ConfigError('a keeper has no terminal: give it --master-key-file or --master-key-fd');
  }
  if (path !== undefined) return { kind: 'file', path };
  if (fd !== undefined) return { kind: 'descriptor', fd: count('master-key-fd', fd, 1_000_000) };
  return { kind: 'terminal' };
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '')
    throw new ConfigError(`--${name} is missing; see --help`);
  return value;
}

function choice<const T extends string>(name: string, value: string, values: readonly T[]): T {
  if (values.includes(value as T)) return value as T;
  throw new ConfigError(`--${name} must be one of ${values.join(', ')}`);
}

function count(name: string, value: string, max: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number <= max) return number;
  throw new ConfigError(`--${name} must be a whole number from 0 to ${max}`);
}
