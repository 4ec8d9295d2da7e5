import type { BackendName } from '../signing/backend.js';
import type { MasterKeySource } from '../signing/vault.js';
import type { LogLevel } from './logger.js';
import type { DatabaseLocation } from './open-store.js';
import { FLAG, type parseOptions, TEXT } from './option-values.js';
import type { PolicyName } from './policy-choice.js';

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

/** The options of the command line, by their names. */
export const OPTIONS = {
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
