import type { Crash, CrashDecision } from '@securemem/core';
import type { CompleteOptions } from '../complete-options.js';
import type { Call } from './call.js';
import {
  type CrashReport,
  type CrashSummary,
  crashError,
  type RequestedEnd,
  remember,
  reportOf,
} from './crash-report.js';
import { Departure } from './departure.js';
import { exitHost } from './exit-host.js';
import { Generation, type GenerationListener } from './generation.js';
import { HaltLatches } from './halt-latches.js';
import type { HeardClock } from './heard-clock.js';
import { encodeHello } from './hello.js';
import { makeProcess } from './keeper-process.js';
import { Recycling } from './recycling.js';
import { closed, refusal } from './refusals.js';
import type { Counters, KeeperState } from './reports.js';
import { newShared, type Shared } from './shared.js';

/** What becomes of the lives of a keeper, for whoever has calls for it. */
export interface LivesListener {
  /** A life takes calls; `planned` where the host had asked for a new one. */
  onReady(generation: Generation, planned: boolean): void;
  onDrain(): void;
  onIdle(): void;
  /** A life ended that the host had not asked to end. */
  onCrash(report: CrashReport): void;
  /** A life ended with these calls in it, for `error`; `again` where another follows. */
  onUnanswered(calls: readonly Call[], again: boolean, error: Error): void;
  /** No further life follows. `error` makes what a call is refused with from now on. */
  onOver(error: (operation: string) => Error): void;
  /** Over by a crash: its own, or one of a keeper with the same policy object. */
  onFatal(state: 'halted' | 'lost', cause: Error, crash: 'own' | 'of another'): void;
}

/** Starts one life of a keeper after another, as the crash policy and the host want it. There is at most one at a time. */
export class Lives implements GenerationListener {
  readonly #options: CompleteOptions;
  readonly #clock: HeardClock;
  readonly #counters: Counters;
  readonly #listener: LivesListener;
  readonly #shared: Shared;
  readonly #recycling: Recycling | undefined;
  readonly #hello: Uint8Array;
  readonly #latches = new HaltLatches();
  readonly #endings: CrashSummary[] = [];
  /** One function for ever, since the gate knows a start by it. */
  readonly #begin = (): void => this.#beginLife();
  #current: Generation | undefined;
  #number = 0;
  #state: KeeperState = 'starting';
  #fatal: Error | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #closing: Departure | undefined;
  /** A restart that the host asked for, until the next life is ready. */
  #planned: Departure | undefined;

  constructor(
    options: CompleteOptions,
    clock: HeardClock,
    counters: Counters,
    listener: LivesListener,
    shared: Shared | undefined,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#counters = counters;
    this.#listener = listener;
    this.#shared = shared ?? newShared();
    this.#hello = encodeHello(options);
    if (options.recycle !== undefined) {
      this.#recycling = new Recycling(
        options.recycle,
        this.#shared.recycling,
        () => {
          const restarted = this.restart();
          this.#listener.onIdle();
          return restarted;
        },
        () => this.taking,
      );
    }
  }

  get state(): KeeperState {
    return this.#state;
  }

  get number(): number {
    return this.#number;
  }

  get endings(): readonly CrashSummary[] {
    return [...this.#endings];
  }

  get current(): Generation | undefined {
    return this.#current;
  }

  /** The life that takes a call in this very step. */
  get taking(): Generation | undefined {
    return this.#planned === undefined && this.#current?.writable ? this.#current : undefined;
  }

  /** Begins the first life, unless the policy has halted already. */
  open(): void {
    const halted = this.#latches.join(this.#options.crashPolicy, (cause) =>
      this.#haltWithOthers(cause),
    );
    if (halted === undefined) this.#start();
    else this.#becomeFatal('halted', halted, 'of another');
  }

  /** What a call, or a wish of the host, is refused with. */
  refusal(operation: string): Error | undefined {
    if (this.#fatal !== undefined) {
      return refusal(this.#state === 'halted' ? 'halted' : 'lost', operation, this.#fatal);
    }
    return this.#closing === undefined ? undefined : closed(operation);
  }

  restart(): Promise<void> {
    const refused = this.refusal('restart');
    if (refused !== undefined) return Promise.reject(refused);
    if (this.#planned !== undefined) return this.#planned.promise;
    const planned = new Departure();
    this.#planned = planned;
    // A life that is not ready yet is a new one.
    if (this.#state === 'ready') this.#state = 'restarting';
    return planned.promise;
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    const closing = new Departure();
    this.#closing = closing;
    clearTimeout(this.#restartTimer);
    this.#endPlanned(closed('restart'));
    if (this.#current === undefined) this.#becomeClosed();
    else this.#escalate(closing);
    return closing.promise;
  }

  /** A life that is to end is asked once nobody needs it: what waits is for the next one, but after `close()` none follows. */
  leaveWhenIdle(waitingCalls: number): void {
    const life = this.#current;
    if (life?.ready !== true || life.openCalls > 0) return;
    const wanted = this.#closing === undefined ? this.#planned !== undefined : waitingCalls === 0;
    if (!wanted) return;
    life.askToClose();
    // The open calls had their own time; from here on it is the process that is waited for.
    if (this.#closing === undefined && this.#planned !== undefined) this.#escalate(this.#planned);
  }

  onReady(generation: Generation): void {
    this.#shared.gate.leave(this.#begin);
    this.#state = 'ready';
    const planned = this.#planned !== undefined;
    this.#planned?.finish();
    this.#planned = undefined;
    this.#listener.onReady(generation, planned);
  }

  onDrain(): void {
    this.#listener.onDrain();
  }

  onAnswer(): void {
    this.#recycling?.look();
  }

  onIdle(): void {
    this.#listener.onIdle();
  }

  onEnd(
    generation: Generation,
    crash: Crash,
    calls: readonly Call[],
    cause: Error | undefined,
  ): void {
    this.#current = undefined;
    this.#shared.gate.leave(this.#begin);
    this.#planned?.gone();
    const decision = this.#decide(crash);
    const report = reportOf(crash, decision, generation);
    remember(this.#endings, report);
    // Where another keeper's crash halted this one, that is the cause of everything here.
    const error = this.#fatal ?? crashError(report, cause);
    if (crash.observation !== 'requested') this.#listener.onCrash(report);
    const asPlanned = this.#planned !== undefined && decision.action === 'closed';
    if (decision.action === 'restart') this.#restartLater(decision.delayMs);
    this.#listener.onUnanswered(calls, asPlanned || decision.action === 'restart', error);
    if (decision.action === 'terminate') this.#becomeFatal('lost', error, 'own');
    if (decision.action === 'halt') this.#halt(decision, error, report);
    if (asPlanned) this.#startPlanned();
    else if (this.#closing !== undefined || decision.action === 'closed') this.#becomeClosed();
  }

  #start(): void {
    this.#shared.gate.enter(this.#begin);
  }

  #startPlanned(): void {
    this.#counters.plannedRestarts++;
    this.#state = 'restarting';
    this.#start();
  }

  #restartLater(delayMs: number): void {
    this.#state = 'restarting';
    this.#restartTimer = setTimeout(() => {
      this.#counters.restarts++;
      this.#start();
    }, delayMs);
  }

  #beginLife(): void {
    this.#current = new Generation({
      number: ++this.#number,
      options: this.#options,
      hello: this.#hello,
      makeProcess,
      clock: this.#clock,
      counters: this.#counters,
      listener: this,
    });
    this.#current.begin();
  }

  #escalate(departure: Departure): void {
    departure.escalate(this.#clock, this.#options, (signal) =>
      this.#current?.kill(signal, 'requested'),
    );
  }

  /** A requested end is nobody's crash. While closing, or once others halted this one, nothing is started again. */
  #decide(crash: Crash): CrashDecision | RequestedEnd {
    const requested = crash.observation === 'requested';
    const mayRestart = !requested && this.#closing === undefined && this.#fatal === undefined;
    const decision = this.#shared.budget.decide(this.#options.crashPolicy, crash, mayRestart);
    const { category, reason } = decision;
    const over = decision.action === 'restart' && !mayRestart;
    return over || requested ? { action: 'closed', category, reason } : decision;
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
    this.#current?.kill('SIGKILL', 'requested');
  }

  /** The first cause stays: where others halted this keeper first, its own end changes nothing any more. */
  #becomeFatal(state: 'halted' | 'lost', cause: Error, crash: 'own' | 'of another'): void {
    if (this.#fatal !== undefined) return;
    this.#state = state;
    this.#fatal = cause;
    this.#leave();
    this.#endPlanned(refusal(state, 'restart', cause));
    this.#listener.onOver((operation) => refusal(state, operation, cause));
    this.#listener.onFatal(state, cause, crash);
  }

  #becomeClosed(): void {
    if (this.#fatal === undefined) this.#state = 'closed';
    this.#leave();
    this.#listener.onOver(closed);
    this.#closing?.finish();
  }

  /** Nothing is expected of others any more. */
  #leave(): void {
    this.#latches.leave();
    this.#recycling?.stop();
    if (this.#current === undefined) this.#shared.gate.leave(this.#begin);
  }

  #endPlanned(reason: Error): void {
    this.#planned?.fail(reason);
    this.#planned = undefined;
  }
}
