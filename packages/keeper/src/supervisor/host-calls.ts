import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { encodeError } from '../channel/metadata.js';
import type { HostContext, HostFunctions } from '../host-function.js';
import type { Counters } from './reports.js';

/** Host functions that one keeper may have running at once; more is no honest keeper. */
const RUNNING_MAX = 10_000;

/** Runs the host's functions for one life of a keeper, and drops what they return once that life is over. */
export class HostCalls {
  readonly #functions: HostFunctions;
  readonly #names: readonly string[];
  readonly #writer: FrameWriter;
  readonly #payloadByteLengthMax: number;
  readonly #context: HostContext;
  readonly #running = new Set<number>();
  readonly #counters: Counters;
  #over = false;

  constructor(
    functions: HostFunctions,
    writer: FrameWriter,
    payloadByteLengthMax: number,
    counters: Counters,
    context: HostContext,
  ) {
    this.#functions = functions;
    this.#names = Object.keys(functions);
    this.#writer = writer;
    this.#payloadByteLengthMax = payloadByteLengthMax;
    this.#counters = counters;
    this.#context = Object.freeze(context);
  }

  /** Starts the function that the frame asks for. Throws `ProtocolViolation` for what no honest keeper asks. */
  start(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id, index } = header;
    const run = this.#functions[this.#names[index] ?? ''];
    if (run === undefined || id === 0 || this.#running.has(id)) {
      throw new ProtocolViolation('a host call that does not exist');
    }
    if (this.#running.size >= RUNNING_MAX) throw new ProtocolViolation('too many host calls');
    this.#running.add(id);
    this.#counters.hostCalls++;
    void this.#run(id, () => run(copyBytes(bytes, start, end), this.#context));
  }

  /** The keeper has the answer. */
  confirm(id: number): void {
    if (!this.#running.delete(id)) throw new ProtocolViolation('a confirmation of nothing');
  }

  /** From now on results are dropped and counted. */
  stop(): void {
    this.#over = true;
  }

  async #run(id: number, run: () => ReturnType<HostFunctions[string]>): Promise<void> {
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
    if ((result?.length ?? 0) > this.#payloadByteLengthMax) {
      throw new RangeError('the result of a host function is too long');
    }
  }
}
