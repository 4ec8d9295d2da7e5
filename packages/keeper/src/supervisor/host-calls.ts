import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { encodeError } from '../channel/metadata.js';
import type { HostContext, HostFunction, HostFunctions } from '../host-function.js';
import type { Counters } from './reports.js';

/** The keeper has the same limits, so only a dishonest one exceeds them. */
export interface HostCallLimits {
  readonly payloadByteLengthMax: number;
  /** Functions that may be running at once. */
  readonly callsMax: number;
}

/** Runs the host's functions for one life of a keeper, and drops what they return once that life is over. */
export class HostCalls {
  readonly #functions: readonly HostFunction[];
  readonly #limits: HostCallLimits;
  readonly #writer: FrameWriter;
  readonly #counters: Counters;
  readonly #context: HostContext;
  /** Ids of calls that the keeper has not confirmed the answer of. */
  readonly #open = new Set<number>();
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
    return this.#open.size > 0;
  }

  /** Starts the function that the frame asks for. Throws `ProtocolViolation` for what no honest keeper asks. */
  start(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id, index } = header;
    const run = this.#functions[index];
    if (run === undefined || id === 0 || this.#open.has(id)) {
      throw new ProtocolViolation('a host call that does not exist');
    }
    if (this.#open.size >= this.#limits.callsMax) {
      throw new ProtocolViolation('too many host calls');
    }
    this.#open.add(id);
    this.#counters.hostCalls++;
    void this.#run(id, () => run(copyBytes(bytes, start, end), this.#context));
  }

  /** The keeper has the answer. */
  confirm(id: number): void {
    if (!this.#open.delete(id)) throw new ProtocolViolation('a confirmation of nothing');
  }

  /** From now on results are dropped and counted. */
  stop(): void {
    this.#over = true;
  }

  async #run(id: number, run: () => ReturnType<HostFunction>): Promise<void> {
    let result: Uint8Array | undefined;
    let failure: Uint8Array | undefined;
    try {
      result = await run();
      this.#check(result);
    } catch (error) {
      failure = encodeError(error);
    }
    if (this.#over) {
      this.#counters.lateResults++;
      return;
    }
    if (failure === undefined) this.#writer.write(FrameKind.hostReply, 0, id, result);
    else this.#writer.write(FrameKind.hostError, 0, id, failure);
  }

  #check(result: unknown): void {
    if (result !== undefined && !(result instanceof Uint8Array)) {
      throw new TypeError('a host function must return a Uint8Array or nothing');
    }
    if ((result?.length ?? 0) > this.#limits.payloadByteLengthMax) {
      throw new RangeError('the result of a host function is too long');
    }
  }
}
