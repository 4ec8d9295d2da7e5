import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { FrameKind } from '../channel/frame.js';
import type { FrameWriter } from '../channel/frame-writer.js';

/** A call that may wait. */
export interface Waiter {
  readonly id: number;
  /** Its requests that wait now. */
  waiting: number;
  /** Whether it was answered: what waits on then waits for nobody. */
  readonly answered: boolean;
}

/**
 * Says over the channel which calls wait for locked memory, so that the host takes none of them for hung. Core tells of waits by its
 * tracing channel, in the context in which the request was made: so a wait belongs to the call that caused it, through whatever object
 * of the module.
 */
export class Waits {
  readonly #calls = new AsyncLocalStorage<Waiter>();
  readonly #writer: FrameWriter;
  /** The call of each request that waits, by what the tracing channel says of it. */
  readonly #waiterOf = new WeakMap<object, Waiter>();

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** From now on waits are told, for as long as the process lives. */
  listen(): void {
    subscribe('tracing:securemem:wait:start', (wait) => this.#begin(wait as object));
    subscribe('tracing:securemem:wait:asyncEnd', (wait) => this.#end(wait as object));
  }

  /** Runs what belongs to a call. */
  during<T>(call: Waiter, run: () => T): T {
    return this.#calls.run(call, run);
  }

  /** The host asks whether a call still waits; undefined where it was answered meanwhile. */
  onAsk(call: Waiter | undefined): void {
    if (call !== undefined && call.waiting > 0) this.#writer.write(FrameKind.waits, 0, call.id);
  }

  #begin(wait: object): void {
    const call = this.#calls.getStore();
    if (call === undefined || call.answered) return;
    this.#waiterOf.set(wait, call);
    call.waiting++;
    if (call.waiting === 1) this.#writer.write(FrameKind.waits, 0, call.id);
  }

  #end(wait: object): void {
    const call = this.#waiterOf.get(wait);
    if (call === undefined) return;
    call.waiting--;
    if (call.waiting === 0 && !call.answered) this.#writer.write(FrameKind.waitOver, 0, call.id);
  }
}
