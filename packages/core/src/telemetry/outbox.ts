/**
 * What is to be told, kept until the state is whole.
 *
 * Whoever hears of an event may do anything with the allocator: dispose, abort, allocate, purge, close. So nobody hears
 * of anything in the middle of a step. A step that changes more than one thing holds the outbox; what it has to tell is
 * sent, in order, when the outermost step is done, and before it returns. What those who listen cause by that is told
 * after the message that they were given, never within it: a queue of any length is told of in one loop.
 */
export class Outbox {
  #holds = 0;
  #sending = false;
  readonly #messages: (() => void)[] = [];
  #sent = 0;

  /** A step begins. `letGo` must follow, whatever the step throws. */
  hold(): void {
    this.#holds++;
  }

  letGo(): void {
    this.#holds--;
    if (this.#messages.length > 0) this.#send();
  }

  /** Runs one step. */
  during<T>(step: () => T): T {
    this.#holds++;
    try {
      return step();
    } finally {
      this.letGo();
    }
  }

  /** Calls `tell` when no step is under way. */
  put(tell: () => void): void {
    this.#messages.push(tell);
    this.#send();
  }

  /** Sends everything now: the process ends before the step does. */
  sendAll(): void {
    const messages = this.#messages;
    while (this.#sent < messages.length) (messages[this.#sent++] as () => void)();
    messages.length = 0;
    this.#sent = 0;
  }

  #send(): void {
    if (this.#holds > 0 || this.#sending) return;
    this.#sending = true;
    try {
      this.sendAll();
    } finally {
      this.#sending = false;
    }
  }
}
