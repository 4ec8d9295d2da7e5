import { performance } from 'node:perf_hooks';
import { TIMER_MS_MAX } from '../options.js';

interface Deadline {
  readonly at: number;
  readonly id: number;
  readonly name: string;
}

/** Entries that end in one turn; the rest ends in the next, so that a million at once do not stop the program. */
const ENDS_PER_TURN = 1_000;

/**
 * When entries end that have an end: a binary heap and one timer, which does not keep the process alive. An entry without
 * an end costs nothing here.
 */
export class Deadlines {
  readonly #onEnd: (name: string) => void;
  readonly #byId = new Map<number, Deadline>();
  /** The earliest first; those that were withdrawn stay until they come to the top or there are too many. */
  #heap: Deadline[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(onEnd: (name: string) => void) {
    this.#onEnd = onEnd;
  }

  /** The entry ends `ms` milliseconds from now. */
  set(id: number, name: string, ms: number): void {
    const deadline = { at: performance.now() + ms, id, name };
    this.#byId.set(id, deadline);
    this.#push(deadline);
    this.#wake();
  }

  /** The entry is gone, or has no end any more. */
  delete(id: number): void {
    if (!this.#byId.delete(id)) return;
    if (this.#heap.length <= 2 * this.#byId.size + 64) return;
    const live = [...this.#byId.values()].sort((a, b) => a.at - b.at);
    this.#heap = live; // A sorted array is a heap.
    this.#wake();
  }

  clear(): void {
    this.#byId.clear();
    this.#heap = [];
    this.#wake();
  }

  /** Whether the end of the entry has come, even if the timer has not said so yet. */
  isPast(id: number): boolean {
    if (this.#byId.size === 0) return false;
    const deadline = this.#byId.get(id);
    return deadline !== undefined && deadline.at <= performance.now();
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (let ended = 0; ended < ENDS_PER_TURN; ) {
      const first = this.#heap[0];
      if (first === undefined || first.at > now) break;
      this.#pop();
      if (this.#byId.get(first.id) !== first) continue;
      this.#byId.delete(first.id);
      this.#onEnd(first.name);
      ended++;
    }
    this.#wake();
  }

  /** Sets the one timer to the earliest end. */
  #wake(): void {
    const at = this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(Math.max(1, Math.ceil(at - performance.now())), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#onTimer(), ms);
    this.#timer.unref();
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(deadline);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as Deadline).at <= deadline.at) break;
      heap[at] = heap[parent] as Deadline;
      at = parent;
    }
    heap[at] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Deadline;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child] as Deadline).at) child++;
      if ((heap[child] as Deadline).at >= last.at) break;
      heap[at] = heap[child] as Deadline;
      at = child;
    }
    heap[at] = last;
  }
}
