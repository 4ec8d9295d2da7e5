import { copyBytes, FrameKind, ID_MAX, ProtocolViolation } from '../channel/frame.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { decodeError } from '../channel/metadata.js';
import type { Host } from '../define-keeper.js';

interface Waiting {
  readonly resolve: (result: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

const NOTHING = new Uint8Array(0);

/** Calls from the keeper to functions of its host. */
export class HostCalls {
  /** What operations see of the host. */
  readonly host: Host = Object.freeze({
    call: (name: string, payload?: Uint8Array) => this.#call(name, payload ?? NOTHING),
  });
  readonly #writer: FrameWriter;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #payloadByteLengthMax: number;
  readonly #callsMax: number;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(
    writer: FrameWriter,
    names: readonly string[],
    limits: { readonly payloadByteLengthMax: number; readonly callsMax: number },
  ) {
    this.#writer = writer;
    this.#indices = new Map(names.map((name, index) => [name, index]));
    this.#payloadByteLengthMax = limits.payloadByteLengthMax;
    this.#callsMax = limits.callsMax;
  }

  onReply(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.#take(id).resolve(copyBytes(bytes, start, end));
  }

  onError(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.#take(id).reject(decodeError(bytes, start, end));
  }

  #call(name: string, payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const index = this.#indices.get(name);
      if (index === undefined) throw new RangeError(`host.call: the host has no function ${name}`);
      if (!(payload instanceof Uint8Array)) {
        throw new TypeError('host.call: payload must be a Uint8Array');
      }
      if (payload.length > this.#payloadByteLengthMax) {
        throw new RangeError(`host.call: more than ${this.#payloadByteLengthMax} bytes`);
      }
      if (this.#waiting.size >= this.#callsMax) {
        throw new RangeError(`host.call: more than ${this.#callsMax} calls at once`);
      }
      const id = this.#nextId();
      this.#waiting.set(id, { resolve, reject });
      this.#writer.write(FrameKind.hostCall, index, id, payload);
    });
  }

  #take(id: number): Waiting {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new ProtocolViolation('an answer to no host call');
    this.#waiting.delete(id);
    // At once, so that the host knows where the keeper was even if what follows kills it.
    this.#writer.write(FrameKind.hostReplyReceived, 0, id);
    this.#writer.flush();
    return waiting;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= ID_MAX ? 1 : this.#lastId + 1;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}
