import {
  type Crash,
  type CrashDecision,
  decideCrash,
  NO_CRASHES,
  withRestart,
} from '@securemem/core';
import type { CompleteOptions } from '../complete-options.js';
import type { Call } from './call.js';
import { CallQueue } from './call-queue.js';
import { Closing } from './closing.js';
import {
  type CrashReport,
  type CrashSummary,
  crashError,
  outcomeUnknown,
  type RequestedEnd,
  remember,
  reportOf,
} from './crash-report.js';
import { exitHost } from './exit-host.js';
import { Generation, type GenerationListener } from './generation.js';
import { HaltLatches } from './halt-latches.js';
import { HeardClock } from './heard-clock.js';
import { encodeHello } from './hello.js';
import { makeProcess } from './keeper-process.js';
import { closed, notRepeated, queueFull, refusal, waitTimeout } from './refusals.js';
import { type KeeperEvents, type KeeperState, type KeeperStats, newCounters } from './reports.js';

/** What the supervisor reports to its owner. */
export interface SupervisorListener {
  /** The first start succeeded. */
  onOpen(): void;
  /** The first start failed for good. */
  onOpenFailed(error: Error): void;
  onEvent<Name extends keyof KeeperEvents>(name: Name, report: KeeperEvents[Name]): void;
}

/**
 * Starts one life of a keeper after another, as the crash policy decides, and sees to it that every call is settled
 * exactly once. There is at most one process at a time.
 */
export class Supervisor implements GenerationListener {
  readonly #options: CompleteOptions;
  readonly #listener: SupervisorListener;
  readonly #hello: Uint8Array;
  readonly #clock = new HeardClock();
  readonly #waiting: CallQueue;
  readonly #counters = newCounters();
  readonly #endings: CrashSummary[] = [];
  readonly #latches = new HaltLatches();
  #generation: Generation | undefined;
  #number = 0;
  #state: KeeperState = 'starting';
  #opened = false;
  #operations: ReadonlyMap<string, number> = new Map();
  #fatal: Error | undefined;
  #history = NO_CRASHES;
  #restartTimer: NodeJS.Timeout | undefined;
  #closing: Closing | undefined;

  constructor(options: CompleteOptions, listener: SupervisorListener) {
    this.#options = options;
    this.#listener = listener;
    this.#hello = encodeHello(options);
    this.#waiting = new CallQueue(this.#clock, (call, waitedMs) =>
      this.#refuse(call, waitTimeout(call.operation, waitedMs)),
    );
  }

  /** Starts the first life, unless the policy has halted already. */
  open(): void {
    const halted = this.#latches.join(this.#options.crashPolicy, (cause) =>
      this.#haltWithOthers(cause),
    );
    if (halted === undefined) this.#start();
    else this.#becomeFatal('halted', halted, 'of another');
  }

  /** Whether the module has this operation, as of its last greeting. */
  offers(operation: string): boolean {
    return this.#operations.has(operation);
  }

  /** Takes a call, or throws what it is refused with. */
  accept(call: Call): void {
    if (this.#fatal !== undefined) {
      throw refusal(this.#state === 'halted' ? 'halted' : 'lost', call.operation, this.#fatal);
    }
    if (this.#state === 'closed' || this.#closing !== undefined) throw closed(call.operation);
    const open = (this.#generation?.openCalls ?? 0) + this.#waiting.length;
    if (open >= this.#options.callsMax) throw queueFull(call.operation, open);
    const sendable = this.#waiting.length === 0 && this.#generation?.writable === true;
    // What is sent in this very step is copied by the channel; whatever may be needed later the call has to keep.
    if (!sendable || call.secret || call.idempotent) call.ownPayload();
    this.#counters.calls++;
    if (sendable) this.#generation?.send(call);
    else this.#waiting.push(call);
  }

  /** Rejects a call with the reason of its signal; the keeper is told if it has the call. */
  abort(call: Call, reason: unknown): void {
    if (call.settled) return;
    call.reject(reason);
    if (call.id !== 0) {
      this.#generation?.cancel(call);
      return;
    }
    call.wipePayload();
    this.#waiting.dropped();
    this.#closeWhenIdle();
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    const closing = new Closing();
    this.#closing = closing;
    clearTimeout(this.#restartTimer);
    if (this.#generation === undefined) {
      this.#becomeClosed();
    } else {
      closing.escalate(this.#clock, this.#options, (signal) =>
        this.#generation?.kill(signal, 'requested'),
      );
      this.#closeWhenIdle();
    }
    return closing.promise;
  }

  /** Ends the process without waiting for anything. */
  kill(): Promise<void> {
    const promise = this.close();
    this.#generation?.kill('SIGKILL', 'requested');
    return promise;
  }

  stats(): KeeperStats {
    return {
      state: this.#state,
      generation: this.#number,
      pid: this.#generation?.pid ?? 0,
      openCalls: this.#generation?.openCalls ?? 0,
      waitingCalls: this.#waiting.length,
      restarts: this.#history.restarts,
      ...this.#counters,
      lastEndings: [...this.#endings],
    };
  }

  onReady(generation: Generation): void {
    this.#state = 'ready';
    this.#operations = generation.operations;
    if (this.#opened) {
      const { number, pid } = generation;
      const { restarts } = this.#history;
      this.#listener.onEvent('restart', { generation: number, pid, restarts });
    } else {
      this.#opened = true;
      this.#listener.onOpen();
    }
    this.onDrain();
    this.#closeWhenIdle();
  }

  onDrain(): void {
    while (this.#generation?.writable) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      // A module that changed between two lives may have lost the operation.
      if (this.offers(call.operation)) this.#generation.send(call);
      else this.#refuse(call, new RangeError(`call: no operation ${call.operation}`));
    }
  }

  onIdle(): void {
    this.#closeWhenIdle();
  }

  onEnd(
    generation: Generation,
    crash: Crash,
    calls: readonly Call[],
    cause: Error | undefined,
  ): void {
    this.#generation = undefined;
    const decision = this.#decide(crash);
    const report = reportOf(crash, decision, generation);
    remember(this.#endings, report);
    // Where another keeper's crash halted this one, that is the cause of everything here.
    const error = this.#fatal ?? crashError(report, cause);
    if (crash.observation !== 'requested') {
      this.#counters.crashes++;
      this.#listener.onEvent('crash', report);
    }
    const restart = decision.action === 'restart';
    if (restart) this.#restartLater(decision.delayMs);
    this.#settle(calls, restart, error);
    if (decision.action === 'terminate') this.#becomeFatal('lost', error, 'own');
    if (decision.action === 'halt') this.#halt(decision, error, report);
    if (this.#closing !== undefined || decision.action === 'closed') this.#becomeClosed();
  }

  #start(): void {
    this.#generation = new Generation({
      number: ++this.#number,
      options: this.#options,
      hello: this.#hello,
      makeProcess,
      clock: this.#clock,
      counters: this.#counters,
      listener: this,
    });
    this.#generation.begin();
  }

  /** A requested end is nobody's crash. While closing, or once others halted this one, nothing is started again. */
  #decide(crash: Crash): CrashDecision | RequestedEnd {
    const { crashPolicy } = this.#options;
    const nowMs = performance.now();
    const decision = decideCrash(crashPolicy, crash, this.#history, nowMs, Math.random());
    const { category, reason } = decision;
    const over = decision.action === 'restart' && (this.#closing ?? this.#fatal) !== undefined;
    const requested = crash.observation === 'requested';
    return over || requested ? { action: 'closed', category, reason } : decision;
  }

  #restartLater(delayMs: number): void {
    this.#state = 'restarting';
    this.#restartTimer = setTimeout(() => {
      this.#history = withRestart(this.#history, performance.now());
      this.#start();
    }, delayMs);
  }

  /** Settles the calls that a dead process had: those that may be repeated wait for the next life, once. */
  #settle(calls: readonly Call[], restart: boolean, error: Error): void {
    const repeated: Call[] = [];
    for (const call of calls) {
      if (call.settled) continue;
      if (restart && call.idempotent && call.replayedAfter === undefined) {
        call.replayedAfter = error;
        call.id = 0;
        repeated.push(call);
      } else {
        call.reject(call.idempotent ? error : outcomeUnknown(call.operation, error));
      }
    }
    if (repeated.length === 0) return;
    this.#counters.replays += repeated.length;
    this.#waiting.unshift(repeated);
  }

  #halt(decision: CrashDecision & { action: 'halt' }, error: Error, report: CrashReport): void {
    this.#becomeFatal('halted', error, 'own');
    if (decision.policy.exitHost) exitHost(report);
    decision.policy.latch.trip(error);
  }

  /** Another keeper with the same policy object crashed. */
  #haltWithOthers(cause: Error): void {
    if (this.#fatal !== undefined || this.#state === 'closed') return;
    clearTimeout(this.#restartTimer);
    this.#becomeFatal('halted', cause, 'of another');
    this.#generation?.kill('SIGKILL', 'requested');
  }

  /** The first cause stays: where others halted this keeper first, its own end changes nothing any more. */
  #becomeFatal(state: 'halted' | 'lost', cause: Error, crash: 'own' | 'of another'): void {
    if (this.#fatal !== undefined) return;
    this.#state = state;
    this.#fatal = cause;
    this.#latches.leave();
    const calls = this.#waiting.takeAll();
    for (const call of calls) this.#refuse(call, refusal(state, call.operation, cause));
    if (state === 'halted') this.#listener.onEvent('halt', cause);
    if (this.#opened) return;
    this.#opened = true;
    this.#listener.onOpenFailed(crash === 'own' ? cause : refusal(state, 'openKeeper', cause));
  }

  #closeWhenIdle(): void {
    if (this.#closing === undefined || this.#state !== 'ready') return;
    if (this.#waiting.length > 0 || (this.#generation?.openCalls ?? 0) > 0) return;
    this.#generation?.askToClose();
  }

  #becomeClosed(): void {
    if (this.#fatal === undefined) this.#state = 'closed';
    this.#latches.leave();
    for (const call of this.#waiting.takeAll()) this.#refuse(call, closed(call.operation));
    this.#closing?.finish();
  }

  /** For a call that waits and will not be sent; it may have been sent to an earlier life. */
  #refuse(call: Call, error: Error): void {
    const { operation, replayedAfter: crash } = call;
    call.wipePayload();
    call.reject(crash === undefined ? error : notRepeated(operation, crash, error));
  }
}
