import { BACKEND_NAMES } from '../signing/backend.js';
import type { MasterKeySource } from '../signing/vault.js';
import { databaseLocation } from './database-location.js';
import { LOG_LEVELS } from './logger.js';
import { requireSense } from './option-rules.js';
import { ConfigError, choice, count, parseOptions, required } from './option-values.js';
import { POLICY_NAMES } from './policy-choice.js';
import {
  type Listening,
  OPTIONS,
  type OptionValues,
  type ServiceConfig,
} from './service-config.js';

export const SERVICE_USAGE = `signer --database PATH --token-file PATH --master-key-file PATH [OPTION…]
signer backup | restore | import-key | rotate-master-key | verify-audit [OPTION…]

  --database PATH                    SQLite file; made when it is not there; or
  --database postgres://USER@HOST/DB a server that several replicas share (?sslmode=disable|verify-full)
  --database-password-file PATH      its password; never in the address
  --token-file PATH                  bearer tokens of 32 to 256 bytes, one a line; read again when it changes
  --master-key-file PATH             32 bytes; or
  --master-key-fd N                  a descriptor to read them from, once; or
  --master-key-terminal              ask for them, as 64 hexadecimal digits
  --backend ${BACKEND_NAMES.join('|')}   what locks the memory (koffi); ffi needs Node 26.9
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
    backend: choice('backend', values.backend ?? 'koffi', BACKEND_NAMES),
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
