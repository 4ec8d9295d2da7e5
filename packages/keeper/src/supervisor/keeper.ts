import { EventEmitter } from 'node:events';
import { type CompleteOptions, completeOptions } from '../complete-options.js';
import type { KeeperOptions } from '../options.js';
import { beginCall } from './begin-call.js';
import type { CallOptions } from './call-options.js';
import { openUnlessAborted } from './opening.js';
import type { KeeperEvents, KeeperStats } from './reports.js';
import { Supervisor } from './supervisor.js';

/**
 * A supervised process that holds secrets and carries out operations on them. The host gets results, never secrets. It
 * keeps the host's event loop alive until it is closed or gone.
 */
export class Keeper {
  readonly #events = new EventEmitter();
  readonly #supervisor: Supervisor;

  /** Use `openKeeper`. */
  constructor(
    options: CompleteOptions,
    onOpen: (keeper: Keeper) => void,
    onOpenFailed: (error: Error) => void,
  ) {
    for (const [name, listener] of Object.entries(options.listeners)) {
      if (listener !== undefined) this.#events.on(name, listener);
    }
    this.#supervisor = new Supervisor(options, {
      onOpen: () => onOpen(this),
      onOpenFailed,
      onEvent: (name, report) => process.nextTick(() => this.#events.emit(name, report)),
    });
    this.#supervisor.open();
  }

  /**
   * Carries out an operation of the keeper module and resolves with its result. What is sent is what `payload` holds now:
   * the caller may change, wipe or transfer it as soon as this returns.
   *
   * Rejects with the error that the operation threw; with `signal.reason`; and, of kind `crash`:
   * `ERR_SECMEM_OUTCOME_UNKNOWN` when the keeper died while it had the call; `ERR_SECMEM_KEEPER_CRASHED` or
   * `ERR_SECMEM_KEEPER_PROTOCOL` for a call marked idempotent that could not be repeated; `ERR_SECMEM_KEEPER_HALTED` and
   * `ERR_SECMEM_KEEPER_LOST` for calls that were not sent. Further `ERR_SECMEM_WAIT_TIMEOUT` after waiting `callMsMax`
   * for a restart, `ERR_SECMEM_QUEUE_FULL` beyond `callsMax`, `ERR_SECMEM_CLOSED`, and `TypeError` or `RangeError` for bad
   * arguments, which leave a secret payload untouched; all else wipes it.
   */
  call(name: string, payload?: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    return beginCall(this.#supervisor, name, payload, options);
  }

  /** Listens to an event; gives the keeper. */
  on<Name extends keyof KeeperEvents>(
    name: Name,
    listener: (report: KeeperEvents[Name]) => void,
  ): this {
    this.#events.on(name, listener);
    return this;
  }

  /** Listens no more. */
  off<Name extends keyof KeeperEvents>(
    name: Name,
    listener: (report: KeeperEvents[Name]) => void,
  ): this {
    this.#events.off(name, listener);
    return this;
  }

  /** Exact numbers, now. */
  stats(): KeeperStats {
    return this.#supervisor.stats();
  }

  /**
   * Replaces the process by a new one, provisioned anew, and resolves when that is ready: for new secrets, or memory that has
   * grown. The open calls end first, each in its own `callMsMax`; calls that come meanwhile wait for the new process, as
   * long. A process that does not leave then gets SIGTERM after `closeMsMax` and SIGKILL `termMsMax` later. The crash policy is asked only where
   * something crashes, and none of its restarts is used up.
   *
   * Rejects with `ERR_SECMEM_KEEPER_HALTED`, `ERR_SECMEM_KEEPER_LOST` or `ERR_SECMEM_CLOSED` where there is no next process.
   */
  restart(): Promise<void> {
    return this.#supervisor.restart();
  }

  /**
   * Refuses new calls, waits for the open ones, lets the keeper wipe and leave, and resolves when its process is gone.
   * After `closeMsMax` it gets SIGTERM, `termMsMax` later SIGKILL; then open calls reject with
   * `ERR_SECMEM_OUTCOME_UNKNOWN`. Never rejects; further calls give the same promise.
   */
  close(): Promise<void> {
    return this.#supervisor.close();
  }

  /** Like `close`, but with SIGKILL at once. The policy is not asked: the host wanted it so. */
  kill(): Promise<void> {
    return this.#supervisor.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Starts a keeper and resolves when it is provisioned. A start that fails is a crash like any other: the policy decides,
 * and where it does not start it again this rejects with `ERR_SECMEM_KEEPER_CRASHED`, category `spawn`, whose cause is
 * what the keeper reported. With a policy object that has halted already it rejects with `ERR_SECMEM_KEEPER_HALTED` and
 * starts nothing. Aborted by `signal` it rejects with its reason once the process is gone.
 */
export function openKeeper(options: KeeperOptions): Promise<Keeper> {
  const start = async (): Promise<Keeper> => {
    const complete = completeOptions(options);
    return openUnlessAborted(
      complete.signal,
      (onOpen, onFailed) => new Keeper(complete, onOpen, onFailed),
    );
  };
  return start();
}
