import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { viewOfGiven } from '../channel/given-bytes.js';
import { encodeError } from '../channel/metadata.js';
import type { HostContext, HostFunction, HostFunctions } from '../host-function.js';
import { isThenable } from '../thenable.js';
import type { Counters } from './reports.js';

/** The keeper has the same limits, so only a dishonest one exceeds them. */
export interface HostCallLimits {
  readonly payloadByteLengthMax: number;
  /** Functions that may be asked for and not confirmed at once. */
  readonly hostCallsMax: number;
}

/** A function that is to run, or runs, or whose answer is on its way. */
interface HostCall {
  readonly id: number;
  readonly run: HostFunction;
  readonly payload: Uint8Array;
  answered: boolean;
}

/**
 * Runs the host's functions for one life of a keeper, and drops what they return once that life is over.
 *
 * What a keeper can make the host hold is bounded twice. It has so many calls that it has not confirmed, and confirms
 * nothing before there is an answer. And while it does not read its answers no further function begins, so that one that
 * confirms without reading gets no more than the channel holds.
 */
export class HostCalls {
  readonly #functions: readonly HostFunction[];
  readonly #limits: HostCallLimits;
  readonly #writer: FrameWriter;
  readonly #counters: Counters;
  readonly #context: HostContext;
  readonly #unconfirmed = new Map<number, HostCall>();
  /** Those of them that have not begun, in order. */
  #waiting: HostCall[] = [];
  #over = false;

  constructor(
    functions: HostFunctions,
    limits: HostCallLimits,
    writer: FrameWriter,
    counters: Counters,
    context: HostContext,
  ) {
    this.#functions = Object.values(functions);
    this.#limits = limits;
    this.#writer = writer;
    this.#counters = counters;
    this.#context = Object.freeze(context);
  }

  /** Whether the keeper waits for an answer, or has not said yet that it came. */
  get anyOpen(): boolean {
    return this.#unconfirmed.size > 0;
  }

  /** Takes what the frame asks for. Throws `ProtocolViolation` for what no honest keeper asks. */
  start(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id, index } = header;
    const run = this.#functions[index];
    if (run === undefined || id === 0 || this.#unconfirmed.has(id)) {
      throw new ProtocolViolation('a host call that does not exist');
    }
    if (this.#unconfirmed.size >= this.#limits.hostCallsMax) {
      throw new ProtocolViolation('too many host calls');
    }
    const payload = copyBytes(bytes, start, end);
    const call = { id, run, payload, answered: false };
    this.#unconfirmed.set(id, call);
    this.#waiting.push(call);
    this.onDrain();
  }

  /** The keeper has the answer. */
  confirm(id: number): void {
    const call = this.#unconfirmed.get(id);
    if (!call?.answered) throw new ProtocolViolation('a confirmation of nothing');
    this.#unconfirmed.delete(id);
  }

  /**
   * There is room on the channel: begins what waits, one after the other, each as far as it goes by itself, its answer
   * included. The next may use the same output buffer, and its answer may be one more than there is room for.
   */
  onDrain(): void {
    while (!this.#writer.blocked) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#counters.hostCalls++;
      if (this.#run(call) === 'answered') continue;
      queueMicrotask(() => this.onDrain());
      return;
    }
  }

  /** From now on nothing begins, and results are dropped and counted. */
  stop(): void {
    this.#over = true;
    this.#waiting = [];
  }

  /** Never throws: whatever the function throws or returns becomes an answer. */
  #run(call: HostCall): 'answered' | 'later' {
    try {
      const result = call.run(call.payload, this.#context);
      if (!isThenable(result)) {
        this.#succeed(call, result);
        return 'answered';
      }
      Promise.resolve(result).then(
        (value) => this.#succeed(call, value),
        (error: unknown) => this.#answer(call, FrameKind.hostError, encodeError(error)),
      );
      return 'later';
    } catch (error) {
      this.#answer(call, FrameKind.hostError, encodeError(error));
      return 'answered';
    }
  }

  #succeed(call: HostCall, result: unknown): void {
    let body: Uint8Array | undefined;
    try {
      body = this.#check(result);
    } catch (error) {
      this.#answer(call, FrameKind.hostError, encodeError(error));
      return;
    }
    this.#answer(call, FrameKind.hostReply, body);
  }

  #answer(call: HostCall, kind: FrameKind, body: Uint8Array | undefined): void {
    if (this.#over) {
      this.#counters.lateResults++;
      return;
    }
    call.answered = true;
    this.#writer.write(kind, 0, call.id, body);
  }

  #check(result: unknown): Uint8Array | undefined {
    if (result === undefined) return undefined;
    const { payloadByteLengthMax } = this.#limits;
    return viewOfGiven(result as Uint8Array, 'the result of a host function', payloadByteLengthMax);
  }
}
