import type { CompleteOptions } from '../complete-options.js';
import type { CallTaker } from '../supervisor/begin-call.js';
import type { Call } from '../supervisor/call.js';
import { CallQueue } from '../supervisor/call-queue.js';
import { HeardClock } from '../supervisor/heard-clock.js';
import { closed, queueFull, waitTimeout } from '../supervisor/refusals.js';
import { refuseWaiting } from '../supervisor/unanswered.js';
import { homeOf, type Member } from './member.js';

/**
 * Gives each call to the member that has the fewest, among those that take one now. What no member takes waits here, in one queue,
 * so that a member that is being started again attracts nothing.
 */
export class Router {
  readonly clock = new HeardClock();
  readonly #options: CompleteOptions;
  readonly #members: readonly Member[];
  readonly #waiting: CallQueue;
  /** Who has a call; one that waits here is not among them. */
  readonly #holders = new WeakMap<Call, Member>();
  #closing = false;
  #onEmpty = (): void => {};
  /** Where the next look for the least busy begins, so that equals take turns. */
  #first = 0;

  constructor(options: CompleteOptions, members: readonly Member[]) {
    this.#options = options;
    this.#members = members;
    this.#waiting = new CallQueue(this.clock, (call, waitedMs) => {
      refuseWaiting(call, waitTimeout(call.operation, waitedMs));
      this.#lookWhetherEmpty();
    });
  }

  get waitingCalls(): number {
    return this.#waiting.length;
  }

  /** Takes calls for any member, or for the one that `affinity` belongs to. */
  taker(affinity: string | undefined): CallTaker {
    return {
      options: this.#options,
      offers: (operation) => this.#members.some(({ supervisor }) => supervisor.offers(operation)),
      accept: (call) => this.#accept(call, affinity),
      abort: (call, reason) => this.#abort(call, reason),
    };
  }

  /** Puts calls that a member had, and that may be sent again, in front. */
  repeat(calls: readonly Call[]): void {
    if (calls.length === 0) return;
    for (const call of calls) this.#holders.delete(call);
    this.#waiting.unshift(calls);
  }

  /** To be called when anything about a member has changed. */
  look(): void {
    for (let call = this.#waiting.first; call !== undefined; call = this.#waiting.first) {
      const member = this.#leastBusy(call.operation);
      if (member === undefined) break;
      this.#waiting.shift();
      this.#give(member, call);
    }
    const [first] = this.#members;
    if (first !== undefined && this.#members.every(({ gone }) => gone)) {
      this.#refuseAll((operation) => first.supervisor.refusal(operation) ?? closed(operation));
    }
    this.#lookWhetherEmpty();
  }

  /** Takes nothing any more; resolves when nothing waits here. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      this.#lookWhetherEmpty();
    });
  }

  /** Refuses what waits, since nobody will take it. */
  refuse(): void {
    this.#refuseAll(closed);
    this.#lookWhetherEmpty();
  }

  #accept(call: Call, affinity: string | undefined): void {
    if (this.#closing) throw closed(call.operation);
    const usable = this.#members.filter(({ gone }) => !gone);
    if (usable.length === 0) {
      throw this.#members[0]?.supervisor.refusal(call.operation) ?? closed(call.operation);
    }
    const open = this.#members.reduce((sum, { busy }) => sum + busy, this.#waiting.length);
    if (open >= this.#options.callsMax) throw queueFull(call.operation, open);
    const member =
      affinity === undefined
        ? this.#leastBusyAtOnce(call.operation)
        : homeOf(
            affinity,
            usable.filter(({ drained }) => !drained),
          );
    if (member === undefined) {
      call.ownPayload();
      this.#waiting.push(call);
    } else {
      this.#give(member, call);
    }
  }

  #give(member: Member, call: Call): void {
    this.#holders.set(call, member);
    member.supervisor.accept(call);
  }

  #abort(call: Call, reason: unknown): void {
    const holder = this.#holders.get(call);
    if (holder !== undefined) {
      holder.supervisor.abort(call, reason);
    } else if (!call.settled) {
      call.reject(reason);
      call.wipePayload();
      this.#waiting.dropped();
      this.#lookWhetherEmpty();
    }
  }

  /** Nobody overtakes those that wait already. */
  #leastBusyAtOnce(operation: string): Member | undefined {
    return this.#waiting.length === 0 ? this.#leastBusy(operation) : undefined;
  }

  #leastBusy(operation: string): Member | undefined {
    const { length } = this.#members;
    let least: Member | undefined;
    for (let step = 0; step < length; step++) {
      const member = this.#members[(this.#first + step) % length];
      if (!member?.takes(operation)) continue;
      if (least === undefined || member.busy < least.busy) least = member;
    }
    if (least !== undefined) this.#first = (least.index + 1) % length;
    return least;
  }

  #refuseAll(error: (operation: string) => Error): void {
    for (const call of this.#waiting.takeAll()) refuseWaiting(call, error(call.operation));
  }

  #lookWhetherEmpty(): void {
    if (this.#waiting.length === 0) this.#onEmpty();
  }
}
