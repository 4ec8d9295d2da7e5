import type { CrashPolicy } from '@securemem/core';
import type { HostFunctions } from './host-function.js';
import type { KeeperListeners } from './supervisor/reports.js';

/**
 * Limits of the keeper's own process. What is absent is inherited from the host. A limit that was asked for and cannot be
 * set fails the start, one of 0 as well.
 */
export interface KeeperLimits {
  /** Bytes that the keeper may lock: its own limit, and the budget of its allocator unless that is given one. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. Where it is absent the module's `harden` is told 0, so that a crash writes no memory to disk. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time over the keeper's whole life. A busy keeper reaches it; choose accordingly. */
  readonly cpuSecondsMax?: number;
  /** Bytes of V8's old generation, rounded down to MiB, at least 16 MiB. */
  readonly heapByteLengthMax?: number;
}

/** When a keeper is replaced by a new process, as with `keeper.restart()`. What is absent is no reason. */
export interface RecycleOptions {
  /** After so many answered calls of one process; at least 1. */
  readonly callsMax?: number;
  /** After so many milliseconds from its start on, and about a second; 1,000 to 2,147,483,647. */
  readonly ageMsMax?: number;
  /** With more bytes than these in memory, looked at about once a second, on Linux; at least 16 MiB. */
  readonly residentByteLengthMax?: number;
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
  /** The functions of the host that operations may call; at most 1,024, with names of at most 256 characters. */
  readonly host?: HostFunctions;
  /**
   * Functions of the host that run for the keeper at once, their answers included until the keeper has them; more wait
   * inside the keeper. So this and `payloadByteLengthMax` bound what a keeper that takes no answers costs the host.
   * 1 to 1,000,000. Default 64.
   */
  readonly hostCallsMax?: number;
  /** The keeper's whole environment. Nothing is inherited. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
  /** The runtime; default: the one that runs the host. */
  readonly execPath?: string;
  /** Options of the runtime, before ours. Nothing is inherited. Default: none. */
  readonly execArgv?: readonly string[];
  /** When the process is replaced as planned; default: never. Members of a pool take turns. */
  readonly recycle?: RecycleOptions;
  /** Gives up opening: the process is ended and `openKeeper` rejects with `signal.reason`. Afterwards it means nothing. */
  readonly signal?: AbortSignal;
  /** Listeners from before the first start on, so that starts that fail and are tried again are heard of. See `keeper.on`. */
  readonly listeners?: KeeperListeners;
  /** Descriptors of the host that the keeper gets as 5, 6, …: for secrets that no one else should read. At most 16. */
  readonly descriptors?: readonly number[];
}
