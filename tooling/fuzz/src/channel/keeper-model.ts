import { createHash } from 'node:crypto';
import { KIND, type ReadFrame, readStream, TEXT_BYTE_LENGTH_MAX } from './frames.js';
import { objectIn } from './json.js';

/** The limits of the keeper that is fed, and its operations in the order of their indices. */
export const PAYLOAD_MAX = 100;
export const CALLS_MAX = 4;
export const HOST_CALLS_MAX = 2;
export const OPERATIONS = ['echo', 'hold', 'digest', 'ask'] as const;

const SECRET = 1;

const LONGEST: Readonly<Record<number, number>> = {
  [KIND.call]: PAYLOAD_MAX,
  [KIND.cancel]: 0,
  [KIND.hostReply]: PAYLOAD_MAX,
  [KIND.hostError]: TEXT_BYTE_LENGTH_MAX,
  [KIND.close]: 0,
  [KIND.ask]: 0,
  [KIND.reserve]: 4,
};

/** `kind id body`, so that lists of answers are compared at once. Errors are told without their words. */
export function told(kind: number, id: number, body: Uint8Array = new Uint8Array()): string {
  return `${kind} ${id} ${kind === KIND.error ? '' : Buffer.from(body).toString('hex')}`;
}

/**
 * What an honest reading of a host's stream comes to. What comes in one piece is taken in first and carried out then, so
 * calls of one piece are open at once: an honest host, which has seen no answer yet, counts them so, too.
 */
export class KeeperModel {
  violated = false;
  closed = false;
  readonly answers: string[] = [];
  readonly #frames: Generator<ReadFrame>;
  /** Places that were announced as taken, of calls that were cancelled: in one turn either may come first. */
  readonly passed = new Set<string>();
  readonly #open = new Set<number>();
  /** Secrets that were announced, with or without a place for them. */
  readonly #reserving = new Map<number, { readonly index: number; readonly byteLength: number }>();
  readonly #places = new Map<number, { readonly index: number; readonly byteLength: number }>();
  readonly #asked: { readonly id: number; readonly payload: Uint8Array }[] = [];
  readonly #sent = new Map<number, number>();
  #frame: ReadFrame | undefined;
  #begun = false;
  #later: (() => void)[] = [];
  #lastHostCall = 0;

  constructor(bytes: Uint8Array) {
    this.#frames = readStream(bytes);
    this.#next();
  }

  /** The stream as far as `offset` has come. */
  comeTo(offset: number): void {
    while (!this.violated && this.#frame !== undefined && this.#step(this.#frame, offset));
    const later = this.#later;
    this.#later = [];
    if (this.violated) return;
    for (const carryOut of later) carryOut();
    for (const [id, place] of this.#reserving) {
      this.#places.set(id, place);
      this.answers.push(told(KIND.placed, id));
    }
    this.#reserving.clear();
  }

  /** Whether it got any further. */
  #step(frame: ReadFrame, offset: number): boolean {
    if (!this.#begun) {
      if (frame.headerEnd > offset) return false;
      this.#begun = true;
      this.violated = !this.#allowsHeader(frame);
      return true;
    }
    if (frame.end > offset) return false;
    this.violated = !this.#allows(frame);
    this.#next();
    return true;
  }

  #next(): void {
    this.#frame = this.#frames.next().value;
    this.#begun = false;
  }

  #allowsHeader(frame: ReadFrame): boolean {
    const { kind, flags, generation, byteLength } = frame;
    const longest = LONGEST[kind];
    if (longest === undefined || generation !== 1 || byteLength > longest) return false;
    if (flags === 0) return true;
    // A secret is judged when it begins, since its place is taken then; everything else when it is there.
    if (flags !== SECRET || kind !== KIND.call) return false;
    const place = this.#places.get(frame.id);
    if (place === undefined) return this.#admits(frame);
    this.#places.delete(frame.id);
    return place.index === frame.index && place.byteLength === byteLength;
  }

  #allows(frame: ReadFrame): boolean {
    const body = new Uint8Array(frame.body as Uint8Array);
    const { kind, flags, id, index } = frame;
    if (kind === KIND.ask) return true;
    if (kind === KIND.reserve) return this.#reserves(frame, body);
    if (kind === KIND.cancel) {
      this.#later.push(() => this.#cancel(id));
      return true;
    }
    if (kind === KIND.close) {
      const due = !this.closed;
      this.closed = true;
      return due;
    }
    if (kind !== KIND.call) return this.#hostAnswer(frame, body);
    if (flags === 0 && !this.#admits(frame)) return false;
    if (flags === SECRET && body.length === 0) return this.#answer(KIND.error, id);
    this.#later.push(() => this.#run(id, index, body, flags === SECRET));
    return true;
  }

  #admits({ id, index }: ReadFrame): boolean {
    const allowed = !this.closed && id !== 0 && index < OPERATIONS.length && !this.#open.has(id);
    if (!allowed || this.#open.size === CALLS_MAX) return false;
    this.#open.add(id);
    return true;
  }

  #reserves(frame: ReadFrame, body: Uint8Array): boolean {
    const byteLength = body.length === 4 ? new DataView(body.buffer).getUint32(0, true) : 0;
    if (byteLength === 0 || byteLength > PAYLOAD_MAX || !this.#admits(frame)) return false;
    const { id, index } = frame;
    this.#later.push(() => this.#reserving.set(id, { index, byteLength }));
    return true;
  }

  #cancel(id: number): void {
    if (!this.#reserving.delete(id) && !this.#places.delete(id)) return;
    this.passed.add(told(KIND.placed, id));
    this.#answer(KIND.error, id);
  }

  #answer(kind: number, id: number, body?: Uint8Array): true {
    this.#open.delete(id);
    this.answers.push(told(kind, id, body));
    return true;
  }

  #run(id: number, index: number, body: Uint8Array, secret: boolean): void {
    const payload = secret ? new Uint8Array() : body;
    switch (OPERATIONS[index]) {
      case 'echo':
        this.#answer(KIND.reply, id, payload);
        break;
      case 'digest': {
        const digest = secret ? createHash('sha256').update(body).digest() : undefined;
        this.#answer(KIND.reply, id, digest);
        break;
      }
      case 'ask':
        this.#asked.push({ id, payload });
        this.#askNext();
        break;
    }
  }

  #askNext(): void {
    if (this.#sent.size === HOST_CALLS_MAX) return;
    const next = this.#asked.shift();
    if (next === undefined) return;
    this.#lastHostCall += 1;
    this.#sent.set(this.#lastHostCall, next.id);
    this.answers.push(told(KIND.hostCall, this.#lastHostCall, next.payload));
  }

  #hostAnswer({ kind, id }: ReadFrame, body: Uint8Array): boolean {
    if (kind === KIND.hostError && objectIn(body) === undefined) return false;
    const call = this.#sent.get(id);
    if (call === undefined) return false;
    this.#sent.delete(id);
    this.answers.push(told(KIND.hostReplyReceived, id));
    this.#askNext();
    this.#later.push(() => {
      if (kind === KIND.hostError) this.#answer(KIND.error, call);
      else this.#answer(KIND.reply, call, body);
    });
    return true;
  }
}
