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
  readonly #open = new Set<number>();
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
    if (!this.violated) for (const carryOut of later) carryOut();
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
    return flags === SECRET && kind === KIND.call && this.#admits(frame);
  }

  #allows(frame: ReadFrame): boolean {
    const body = new Uint8Array(frame.body as Uint8Array);
    const { kind, flags, id, index } = frame;
    if (kind === KIND.cancel) return true;
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
