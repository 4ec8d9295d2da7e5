import { EventEmitter } from 'node:events';
import { ownProperties } from '@securemem/core';
import { beginCall } from '../supervisor/begin-call.js';
import type { CallOptions } from '../supervisor/call-options.js';
import { afterHeard } from '../supervisor/deadline.js';
import { openUnlessAborted } from '../supervisor/opening.js';
import type { KeeperEvents } from '../supervisor/reports.js';
import { newShared } from '../supervisor/shared.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { Member } from './member.js';
import {
  type CompletePoolOptions,
  completePoolOptions,
  type KeeperPoolOptions,
} from './options.js';
import { type KeeperPoolEvents, type KeeperPoolStats, sumUp } from './reports.js';
import { Router } from './router.js';

/** What a caller may say about one call to a pool. */
export interface PoolCallOptions extends CallOptions {
  /**
   * Calls with the same text go to the same member, for modules with a state of their own, and wait for it while it is started
   * again. Once it is lost, or while it is drained, another has them. No secret: it is kept as text. Default: any member.
   */
  readonly affinity?: string;
}

/**
 * Several keepers of one module behind one interface. Each is a process with limits of its own; the restarts that the crash policy
 * grants are for all of them together, and they start one after the other.
 */
export class KeeperPool {
  readonly #members: Member[] = [];
  readonly #options: CompletePoolOptions;
  readonly #events = new EventEmitter();
  readonly #router: Router;
  #unopened: number;
  #haltTold = false;
  #closed: Promise<void> | undefined;

  /** Use `openKeeperPool`. */
  constructor(
    options: CompletePoolOptions,
    onOpen: () => void,
    onOpenFailed: (error: Error) => void,
  ) {
    this.#options = options;
    this.#unopened = options.size;
    for (const [name, listener] of Object.entries(options.listeners)) {
      if (listener !== undefined) this.#events.on(name, listener);
    }
    const shared = newShared();
    for (let index = 0; index < options.size; index++) {
      const supervisor = new Supervisor(
        options.member,
        {
          onOpen: () => {
            this.#unopened--;
            if (this.#unopened === 0) onOpen();
          },
          onOpenFailed: (error) => {
            void this.kill().then(() => onOpenFailed(error));
          },
          onEvent: (name, report) => this.#tell(index, name, report),
          onChange: () => this.#look(index),
          onRepeat: (calls) => this.#router.repeat(calls),
        },
        shared,
      );
      this.#members.push(new Member(index, supervisor));
    }
    this.#router = new Router(options.member, this.#members);
    for (const { supervisor } of this.#members) supervisor.open();
  }

  /** How many members there are, those that are lost included. */
  get size(): number {
    return this.#options.size;
  }

  /**
   * Carries out an operation in one member, as `keeper.call` does, and rejects as that does. It goes to the member with the fewest
   * calls among those that are ready. A call marked idempotent whose member died goes to any other, once. `callsMax` and the
   * time to wait are for the pool as a whole.
   */
  call(name: string, payload?: Uint8Array, options?: PoolCallOptions): Promise<Uint8Array> {
    if (options === undefined) return beginCall(this.#router.taker(undefined), name, payload);
    const { affinity, ...others } = ownProperties(options, 'call: options');
    if (affinity !== undefined && typeof affinity !== 'string') {
      return Promise.reject(new TypeError('call: affinity must be a string'));
    }
    return beginCall(this.#router.taker(affinity), name, payload, others);
  }

  /** Listens to an event; gives the pool. */
  on<Name extends keyof KeeperPoolEvents>(
    name: Name,
    listener: (report: KeeperPoolEvents[Name]) => void,
  ): this {
    this.#events.on(name, listener);
    return this;
  }

  /** Listens no more. */
  off<Name extends keyof KeeperPoolEvents>(
    name: Name,
    listener: (report: KeeperPoolEvents[Name]) => void,
  ): this {
    this.#events.off(name, listener);
    return this;
  }

  /** Exact numbers, now: in sum, and of each member. */
  stats(): KeeperPoolStats {
    const members = this.#members.map((member) => member.stats());
    return sumUp(members, this.#router.waitingCalls);
  }

  /**
   * Keeps a member (0 to `size` - 1) from further calls and resolves when it has none; `resume` or `restart` give it calls again.
   * With all members drained calls wait. Rejects with `RangeError` for what is no member.
   */
  async drain(member: number): Promise<void> {
    const chosen = this.#member(member);
    chosen.drained = true;
    await chosen.idle();
  }

  /** Gives a drained member calls again. Throws `RangeError` for what is no member. */
  resume(member: number): void {
    this.#member(member).drained = false;
    this.#router.look();
  }

  /**
   * Replaces the process of one member, or of all of them one after the other, as `keeper.restart` does; the others work
   * meanwhile. Members that are lost are left out where none is named. Rejects like `keeper.restart`, and then goes no further.
   */
  async restart(member?: number): Promise<void> {
    const chosen =
      member === undefined ? this.#members.filter(({ gone }) => !gone) : [this.#member(member)];
    for (const one of chosen) {
      await one.supervisor.restart();
      one.drained = false;
      this.#router.look();
    }
  }

  /**
   * Refuses new calls, waits at most `closeMsMax` for those that wait for a member, and then closes each member as `keeper.close`
   * does. Never rejects; further calls give the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Like `close`, but with SIGKILL at once. */
  async kill(): Promise<void> {
    const closed = this.close();
    this.#router.refuse();
    await Promise.all(this.#members.map(({ supervisor }) => supervisor.kill()));
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const stop = afterHeard(this.#router.clock, this.#options.member.closeMsMax, () =>
      this.#router.refuse(),
    );
    await this.#router.close();
    stop();
    await Promise.all(this.#members.map(({ supervisor }) => supervisor.close()));
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (member !== undefined) return member;
    throw new RangeError(`no member ${index}: this pool has members 0 to ${this.size - 1}`);
  }

  #tell(member: number, name: keyof KeeperEvents, report: KeeperEvents[keyof KeeperEvents]): void {
    if (name !== 'halt') this.#emit(name, { ...report, member } as KeeperPoolEvents[typeof name]);
    else if (!this.#haltTold) {
      this.#haltTold = true;
      this.#emit(name, report as Error);
    }
  }

  #look(index: number): void {
    const member = this.#members[index];
    // Before the router is there, nothing has begun.
    if (member === undefined || this.#router === undefined) return;
    const { supervisor } = member;
    if (supervisor.state === 'lost' && !member.lossTold) {
      member.lossTold = true;
      this.#emit('lost', { member: index, cause: supervisor.refusal('keeper')?.cause as Error });
    }
    member.look();
    this.#router.look();
  }

  #emit<Name extends keyof KeeperPoolEvents>(name: Name, report: KeeperPoolEvents[Name]): void {
    process.nextTick(() => this.#events.emit(name, report));
  }
}

/**
 * Starts the members one after the other and resolves when each is provisioned. Where one of them can't be started, and the policy
 * starts it no more, all are ended and this rejects as `openKeeper` does; aborted by `signal` it rejects with its reason.
 *
 * `limits` are those of each member, since the system counts them by process: `size` members lock up to `size` times
 * `lockedByteLengthMax`. Throws `RangeError` where that is more than the machine has.
 */
export async function openKeeperPool(options: KeeperPoolOptions): Promise<KeeperPool> {
  const complete = completePoolOptions(options);
  return openUnlessAborted(
    complete.member.signal,
    (onOpen, onFailed) => new KeeperPool(complete, onOpen, onFailed),
  );
}
