import { copyBytes, FrameKind, ID_MAX, ProtocolViolation } from '../channel/frame.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { ownCopy, viewOfGiven } from '../channel/given-bytes.js';
import { decodeError } from '../channel/metadata.js';
import type { Host } from '../define-keeper.js';

/** A call whose answer has not come. */
interface HostCall {
  readonly index: number;
  readonly resolve: (result: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export interface HostCallLimits {
  readonly payloadByteLengthMax: number;
  /** Calls that wait at once, for a place at the host or for its answer. */
  readonly callsMax: number;
  /** Calls that the host has at once. */
  readonly hostCallsMax: number;
}

const NOTHING = new Uint8Array(0);

/**
 * Calls from the keeper to functions of its host. The host takes a number of them at once; those beyond it wait here, in
 * order, so that a keeper with much to ask does not fill the host's memory with answers.
 */
export class HostCalls {
  /** What operations see of the host. */
  readonly host: Host = Object.freeze({
    call: (name: string, payload?: Uint8Array) => this.#call(name, payload ?? NOTHING),
  });
  readonly #writer: FrameWriter;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #limits: HostCallLimits;
  readonly #sent = new Map<number, HostCall>();
  #waiting: { readonly call: HostCall; readonly payload: Uint8Array }[] = [];
  #lastId = 0;

  constructor(writer: FrameWriter, names: readonly string[], limits: HostCallLimits) {
    this.#writer = writer;
    this.#indices = new Map(names.map((name, index) => [name, index]));
    this.#limits = limits;
  }

  onReply(id: number, bytes: Uint8Array, start: number, end: number): void {
    this.#take(id).resolve(copyBytes(bytes, start, end));
  }

  onError(id: number, bytes: Uint8Array, start: number, end: number): void {
    const error = decodeError(bytes, start, end);
    this.#take(id).reject(error);
  }

  #call(name: string, payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const index = this.#indices.get(name);
      if (index === undefined) throw new RangeError(`host.call: the host has no function ${name}`);
      const { payloadByteLengthMax, callsMax, hostCallsMax } = this.#limits;
      const bytes = viewOfGiven(payload, 'host.call: payload', payloadByteLengthMax);
      if (this.#sent.size + this.#waiting.length >= callsMax) {
        throw new RangeError(`host.call: more than ${callsMax} calls at once`);
      }
      const call = { index, resolve, reject };
      if (this.#sent.size < hostCallsMax) this.#send(call, bytes);
      else this.#waiting.push({ call, payload: ownCopy(bytes) });
    });
  }

  #send(call: HostCall, payload: Uint8Array): void {
    const id = this.#nextId();
    this.#sent.set(id, call);
    this.#writer.write(FrameKind.hostCall, call.index, id, payload);
  }

  #take(id: number): HostCall {
    const call = this.#sent.get(id);
    if (call === undefined) throw new ProtocolViolation('an answer to no host call');
    this.#sent.delete(id);
    // At once, so that the host knows where the keeper was even if what follows kills it.
    this.#writer.write(FrameKind.hostReplyReceived, 0, id);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next.call, next.payload);
    this.#writer.flush();
    return call;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= ID_MAX ? 1 : this.#lastId + 1;
    while (this.#sent.has(this.#lastId));
    return this.#lastId;
  }
}
