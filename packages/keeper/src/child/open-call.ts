import type { Allocator, Secret } from '@securemem/core';
import type { Host, OperationContext } from '../define-keeper.js';
import type { Waiter } from './waits.js';

/** What all operations of one life have in common. */
export interface Provisioned {
  readonly memory: Allocator;
  readonly generation: number;
  state: unknown;
}

/** One call, from its arrival to its answer, and what its operation sees of it. What few operations use is made when it is used. */
export class OpenCall implements OperationContext<unknown>, Waiter {
  readonly id: number;
  readonly index: number;
  readonly host: Host;
  readonly #provisioned: Provisioned;
  /** What it was sent with `secret: true`, once all of it is there. */
  secret: Secret | undefined;
  /** The place for a secret that the host has not sent yet. */
  place: Secret | undefined;
  waiting = 0;
  answered = false;
  /** Whether the caller has given up. */
  aborted = false;
  #aborting: AbortController | undefined;

  constructor(id: number, index: number, provisioned: Provisioned, host: Host) {
    this.id = id;
    this.index = index;
    this.#provisioned = provisioned;
    this.host = host;
  }

  get memory(): Allocator {
    return this.#provisioned.memory;
  }

  get generation(): number {
    return this.#provisioned.generation;
  }

  get state(): unknown {
    return this.#provisioned.state;
  }

  get signal(): AbortSignal {
    if (this.#aborting === undefined) {
      this.#aborting = new AbortController();
      if (this.aborted) this.#aborting.abort();
    }
    return this.#aborting.signal;
  }

  abort(): void {
    this.aborted = true;
    this.#aborting?.abort();
  }
}
