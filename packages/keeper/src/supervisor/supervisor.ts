import type { CompleteOptions } from '../complete-options.js';
import type { CallTaker } from './begin-call.js';
import type { Call } from './call.js';
import { CallQueue } from './call-queue.js';
import type { CrashReport } from './crash-report.js';
import type { Generation } from './generation.js';
import { HeardClock } from './heard-clock.js';
import { Lives, type LivesListener } from './lives.js';
import { queueFull, refusal, waitTimeout } from './refusals.js';
import { type KeeperEvents, type KeeperState, type KeeperStats, newCounters } from './reports.js';
import type { Shared } from './shared.js';
import { refuseWaiting, settleUnanswered } from './unanswered.js';

/** What the supervisor reports to its owner. */
export interface SupervisorListener {
  /** The first start succeeded. */
  onOpen(): void;
  /** The first start failed for good. */
  onOpenFailed(error: Error): void;
  onEvent<Name extends keyof KeeperEvents>(name: Name, report: KeeperEvents[Name]): void;
  /** Something changed that routing depends on: it is ready or no more, has room, has no call, or is gone for good. */
  onChange?(): void;
  /** Takes calls that are to be sent again; where it is absent they wait for the next life of this keeper. */
  onRepeat?(calls: readonly Call[]): void;
}

/** Sees to it that every call of a keeper is settled exactly once, whatever becomes of the life that has it. */
export class Supervisor implements LivesListener, CallTaker {
  readonly options: CompleteOptions;
  readonly #listener: SupervisorListener;
  readonly #waiting: CallQueue;
  readonly #counters = newCounters();
  readonly #lives: Lives;
  #opened = false;
  #operations: ReadonlyMap<string, number> = new Map();

  constructor(options: CompleteOptions, listener: SupervisorListener, shared?: Shared) {
    this.options = options;
    this.#listener = listener;
    const clock = new HeardClock();
    this.#waiting = new CallQueue(clock, (call, waitedMs) =>
      refuseWaiting(call, waitTimeout(call.operation, waitedMs)),
    );
    this.#lives = new Lives(options, clock, this.#counters, this, shared);
  }

  get state(): KeeperState {
    return this.#lives.state;
  }

  get openCalls(): number {
    return this.#lives.current?.openCalls ?? 0;
  }

  get waitingCalls(): number {
    return this.#waiting.length;
  }

  /** Whether a call would be sent in this very step. */
  get writable(): boolean {
    return this.#waiting.length === 0 && this.#lives.taking !== undefined;
  }

  /** Starts the first life, unless the policy has halted already. */
  open(): void {
    this.#lives.open();
  }

  /** Whether the module has this operation, as of its last greeting. */
  offers(operation: string): boolean {
    return this.#operations.has(operation);
  }

  /** What a call is refused with from now on; undefined while calls are taken. */
  refusal(operation: string): Error | undefined {
    return this.#lives.refusal(operation);
  }

  /** Takes a call, or throws what it is refused with. */
  accept(call: Call): void {
    const refused = this.#lives.refusal(call.operation);
    if (refused !== undefined) throw refused;
    const open = this.openCalls + this.#waiting.length;
    if (open >= this.options.callsMax) throw queueFull(call.operation, open);
    const life = this.#waiting.length === 0 ? this.#lives.taking : undefined;
    // What is sent in this very step is copied by the channel; whatever may be needed later the call has to keep.
    if (life === undefined || call.secret || call.idempotent) call.ownPayload();
    this.#counters.calls++;
    if (life === undefined) this.#waiting.push(call);
    else life.send(call);
  }

  /** Rejects a call with the reason of its signal; the keeper is told if it has the call. */
  abort(call: Call, reason: unknown): void {
    if (call.settled) return;
    call.reject(reason);
    if (call.id !== 0) {
      this.#lives.current?.cancel(call);
      return;
    }
    call.wipePayload();
    this.#waiting.dropped();
    this.#leaveWhenIdle();
  }

  /**
   * Lets the calls that the keeper has end, each in its own time, ends the process and begins another life; calls that come
   * meanwhile wait for it. A process that does not leave then is signalled. No policy is asked, and no restart used up.
   */
  restart(): Promise<void> {
    const promise = this.#lives.restart();
    this.#leaveWhenIdle();
    this.#listener.onChange?.();
    return promise;
  }

  close(): Promise<void> {
    const promise = this.#lives.close();
    // What waited for the next life goes to this one.
    this.onDrain();
    this.#leaveWhenIdle();
    return promise;
  }

  /** Ends the process without waiting for anything. */
  kill(): Promise<void> {
    const promise = this.close();
    this.#lives.current?.kill('SIGKILL', 'requested');
    return promise;
  }

  stats(): KeeperStats {
    return {
      state: this.#lives.state,
      generation: this.#lives.number,
      pid: this.#lives.current?.pid ?? 0,
      openCalls: this.openCalls,
      waitingCalls: this.#waiting.length,
      ...this.#counters,
      lastEndings: this.#lives.endings,
    };
  }

  onReady(generation: Generation, planned: boolean): void {
    this.#operations = generation.operations;
    if (this.#opened) {
      const { number, pid } = generation;
      const { restarts } = this.#counters;
      this.#listener.onEvent('restart', { generation: number, pid, restarts, planned });
    } else {
      this.#opened = true;
      this.#listener.onOpen();
    }
    this.onDrain();
    this.#leaveWhenIdle();
  }

  onDrain(): void {
    for (let life = this.#lives.taking; life !== undefined; life = this.#lives.taking) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      // A module that changed between two lives may have lost the operation.
      if (this.offers(call.operation)) life.send(call);
      else refuseWaiting(call, new RangeError(`call: no operation ${call.operation}`));
    }
    this.#listener.onChange?.();
  }

  onIdle(): void {
    this.#leaveWhenIdle();
    this.#listener.onChange?.();
  }

  onCrash(report: CrashReport): void {
    this.#counters.crashes++;
    this.#listener.onEvent('crash', report);
  }

  onUnanswered(calls: readonly Call[], again: boolean, error: Error): void {
    const repeated = settleUnanswered(calls, again, error);
    this.#counters.replays += repeated.length;
    if (this.#listener.onRepeat !== undefined) this.#listener.onRepeat(repeated);
    else if (repeated.length > 0) this.#waiting.unshift(repeated);
    this.#listener.onChange?.();
  }

  onOver(error: (operation: string) => Error): void {
    for (const call of this.#waiting.takeAll()) refuseWaiting(call, error(call.operation));
    this.#listener.onChange?.();
  }

  onFatal(state: 'halted' | 'lost', cause: Error, crash: 'own' | 'of another'): void {
    if (state === 'halted') this.#listener.onEvent('halt', cause);
    if (this.#opened) return;
    this.#opened = true;
    this.#listener.onOpenFailed(crash === 'own' ? cause : refusal(state, 'openKeeper', cause));
  }

  #leaveWhenIdle(): void {
    this.#lives.leaveWhenIdle(this.#waiting.length);
  }
}
