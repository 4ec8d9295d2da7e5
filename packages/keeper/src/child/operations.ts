import { type Secret, SecureMemoryError } from '@securemem/core';
import { FrameKind, LENGTH_BYTE_LENGTH, ProtocolViolation, readU32 } from '../channel/frame.js';
import { bodyOf, type FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { viewOfGiven } from '../channel/given-bytes.js';
import { encodeError } from '../channel/metadata.js';
import type { Operation } from '../define-keeper.js';
import { isThenable } from '../thenable.js';
import type { ChannelHandler } from './channel.js';
import type { HostCalls } from './host-calls.js';
import { IncomingSecret } from './incoming-secret.js';
import { OpenCall, type Provisioned } from './open-call.js';
import { Waits } from './waits.js';

const NOTHING = new Uint8Array(0);

export interface OperationsOptions {
  readonly operations: Readonly<Record<string, Operation<unknown>>>;
  readonly provisioned: Provisioned;
  readonly payloadByteLengthMax: number;
  /** Calls that the host may have open; an honest one has the same limit. */
  readonly callsMax: number;
  readonly onClose: () => void;
}

/** What has arrived as a whole. Its order is kept. */
type Arrival =
  | { readonly kind: 'call'; readonly call: OpenCall; readonly payload: Uint8Array }
  | { readonly kind: 'reserve'; readonly call: OpenCall; readonly byteLength: number }
  | { readonly kind: 'cancel'; readonly call: OpenCall | undefined };

/**
 * Runs operations as calls arrive, and answers each exactly once. Calls come between the greeting and the wish to end, so
 * one that comes earlier or later is a violation of the protocol.
 */
export class Operations implements ChannelHandler {
  readonly #options: OperationsOptions;
  readonly #operations: readonly Operation<unknown>[];
  /** Calls that were not answered. */
  readonly #open = new Map<number, OpenCall>();
  #arrived: Arrival[] = [];
  #incoming: IncomingSecret | undefined;
  #writer: FrameWriter | undefined;
  #hostCalls: HostCalls | undefined;
  #waits: Waits | undefined;
  #phase: 'starting' | 'serving' | 'closing' = 'starting';

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#operations = Object.values(options.operations);
  }

  /** The channel needs its handler first, so the way back is given afterwards, before any byte is read. */
  connect(writer: FrameWriter, hostCalls: HostCalls, waits = new Waits(writer)): void {
    this.#writer = writer;
    this.#hostCalls = hostCalls;
    this.#waits = waits;
  }

  /** The state is there, and the host is told so: calls may come. */
  serve(): void {
    this.#phase = 'serving';
  }

  onFrame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id, index } = header;
    switch (header.kind) {
      case FrameKind.call: {
        const call = this.#admit(id, index);
        this.#arrived.push({ kind: 'call', call, payload: bodyOf(header, bytes, start, end) });
        break;
      }
      case FrameKind.reserve: {
        const byteLength = this.#lengthIn(bytes, start, end);
        this.#arrived.push({ kind: 'reserve', call: this.#admit(id, index), byteLength });
        break;
      }
      case FrameKind.cancel:
        this.#arrived.push({ kind: 'cancel', call: this.#open.get(id) });
        break;
      case FrameKind.ask:
        this.#waits?.onAsk(this.#open.get(id));
        break;
      case FrameKind.hostReply:
        this.#hostCalls?.onReply(id, bodyOf(header, bytes, start, end));
        break;
      case FrameKind.hostError:
        this.#hostCalls?.onError(id, bytes, start, end);
        break;
      case FrameKind.close:
        if (this.#phase !== 'serving') throw new ProtocolViolation('an end that is not due');
        this.#phase = 'closing';
        this.#options.onClose();
        break;
    }
  }

  /** Into the place that was reserved for it; where none was, into one that is free now. */
  onSecretStart({ id, index, bodyByteLength }: FrameHeader): void {
    const reserved = this.#open.get(id);
    const call = reserved?.place === undefined ? this.#admit(id, index) : reserved;
    const { place } = call;
    if (place !== undefined && (call.index !== index || place.byteLength !== bodyByteLength)) {
      throw new ProtocolViolation('another secret than was announced');
    }
    call.place = undefined;
    const { memory } = this.#options.provisioned;
    this.#incoming = new IncomingSecret(call, place ?? (() => memory.allocateSync(bodyByteLength)));
  }

  onSecretPiece(bytes: Uint8Array, start: number, end: number): void {
    this.#incoming?.add(bytes, start, end);
  }

  onSecretEnd(): void {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    if (incoming === undefined) return;
    const { call } = incoming;
    const ended = incoming.finish();
    if ('failure' in ended) {
      this.#fail(call, ended.failure);
      return;
    }
    call.secret = ended.secret;
    this.#arrived.push({ kind: 'call', call, payload: NOTHING });
  }

  /**
   * One after the other, each as far as it goes by itself, its answer included: the next may use the same output buffer. So
   * after one that gives a promise the others wait until that was looked at, which is a turn of microtasks.
   */
  runArrived(): void {
    for (let arrival = this.#arrived.shift(); arrival; arrival = this.#arrived.shift()) {
      if (arrival.kind === 'cancel') {
        this.#cancel(arrival.call);
      } else if (arrival.kind === 'reserve') {
        this.#reserve(arrival.call, arrival.byteLength);
      } else if (this.#run(arrival.call, arrival.payload) === 'later') {
        queueMicrotask(() => this.runArrived());
        return;
      }
    }
  }

  #lengthIn(bytes: Uint8Array, start: number, end: number): number {
    const byteLength = end - start === LENGTH_BYTE_LENGTH ? readU32(bytes, start) : 0;
    if (byteLength > 0 && byteLength <= this.#options.payloadByteLengthMax) return byteLength;
    throw new ProtocolViolation('a secret of no length');
  }

  /** Takes a call on arrival, before anything is allocated for it. */
  #admit(id: number, index: number): OpenCall {
    if (this.#phase !== 'serving' || id === 0 || this.#operations[index] === undefined) {
      throw new ProtocolViolation('a call that does not exist');
    }
    if (this.#open.has(id)) throw new ProtocolViolation('a call that is open already');
    if (this.#open.size >= this.#options.callsMax) throw new ProtocolViolation('too many calls');
    const { host } = this.#hostCalls as HostCalls;
    const call = new OpenCall(id, index, this.#options.provisioned, host);
    this.#open.set(id, call);
    return call;
  }

  /** Waits for a place in its turn, as operations do, and says when it is there. */
  #reserve(call: OpenCall, byteLength: number): void {
    const { memory } = this.#options.provisioned;
    const placed = (place: Secret): void => {
      call.place = place;
      // It may have been cancelled in the moment in which the place was granted.
      if (call.aborted) this.#cancel(call);
      else this.#writer?.write(FrameKind.placed, 0, call.id);
    };
    const { signal } = call;
    (this.#waits as Waits)
      .during(call, () => memory.allocate(byteLength, { signal }))
      .then(placed, (error: unknown) => this.#fail(call, error));
  }

  #cancel(call: OpenCall | undefined): void {
    if (call === undefined || call.answered) return;
    call.abort();
    if (call.place === undefined) return;
    // The secret will not come: nobody sends one that nobody waits for.
    call.place.dispose();
    call.place = undefined;
    this.#fail(
      call,
      new SecureMemoryError('ERR_SECMEM_DISPOSED', 'cancelled before its secret was sent', {
        operation: 'call',
      }),
    );
  }

  #run(call: OpenCall, payload: Uint8Array): 'answered' | 'later' {
    const operation = this.#operations[call.index] as Operation<unknown>;
    try {
      const result = (this.#waits as Waits).during(call, () => operation(payload, call));
      if (!isThenable(result)) {
        this.#answer(call, result);
        return 'answered';
      }
      // By way of a promise of the language: a thenable of the module's own may answer twice.
      Promise.resolve(result).then(
        (value) => this.#answer(call, value),
        (error: unknown) => this.#fail(call, error),
      );
      return 'later';
    } catch (error) {
      this.#fail(call, error);
      return 'answered';
    }
  }

  #answer(call: OpenCall, result: Uint8Array | undefined): void {
    const { payloadByteLengthMax } = this.#options;
    let body: Uint8Array | undefined;
    try {
      if (result !== undefined) body = viewOfGiven(result, 'the result', payloadByteLengthMax);
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    this.#end(call, FrameKind.reply, body);
  }

  #fail(call: OpenCall, error: unknown): void {
    this.#end(call, FrameKind.error, encodeError(error));
  }

  #end(call: OpenCall, kind: FrameKind, body: Uint8Array | undefined): void {
    call.answered = true;
    this.#open.delete(call.id);
    this.#writer?.write(kind, 0, call.id, body);
  }
}
