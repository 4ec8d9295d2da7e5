import type { Allocator, Secret } from '@securemem/core';
import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { viewOfGiven } from '../channel/given-bytes.js';
import { encodeError } from '../channel/metadata.js';
import type { Host, Operation, OperationContext } from '../define-keeper.js';
import { isThenable } from '../thenable.js';
import type { ChannelHandler } from './channel.js';
import type { HostCalls } from './host-calls.js';
import { IncomingSecret } from './incoming-secret.js';

const NOTHING = new Uint8Array(0);

/** What all operations of one life have in common. */
export interface Provisioned {
  readonly memory: Allocator;
  readonly generation: number;
  state: unknown;
}

export interface OperationsOptions {
  readonly operations: Readonly<Record<string, Operation<unknown>>>;
  readonly provisioned: Provisioned;
  readonly payloadByteLengthMax: number;
  /** Calls that the host may have open; an honest one has the same limit. */
  readonly callsMax: number;
  readonly onClose: () => void;
}

/** A call, or the wish to cancel one, that has arrived as a whole. Their order is kept. */
interface Arrival {
  readonly kind: 'call' | 'cancel';
  readonly id: number;
  readonly index: number;
  readonly payload: Uint8Array;
  readonly secret: Secret | undefined;
}

/**
 * Runs operations as calls arrive, and answers each exactly once. Calls come between the greeting and the wish to end, so
 * one that comes earlier or later is a violation of the protocol.
 */
export class Operations implements ChannelHandler {
  readonly #options: OperationsOptions;
  readonly #operations: readonly Operation<unknown>[];
  /** Calls that were not answered; of those that have not begun, or that are answered at once, there is only the id. */
  readonly #open = new Map<number, OpenCall | undefined>();
  #arrived: Arrival[] = [];
  #incoming: IncomingSecret | undefined;
  #writer: FrameWriter | undefined;
  #hostCalls: HostCalls | undefined;
  #phase: 'starting' | 'serving' | 'closing' = 'starting';

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#operations = Object.values(options.operations);
  }

  /** The channel needs its handler first, so the way back is given afterwards, before any byte is read. */
  connect(writer: FrameWriter, hostCalls: HostCalls): void {
    this.#writer = writer;
    this.#hostCalls = hostCalls;
  }

  /** The state is there, and the host is told so: calls may come. */
  serve(): void {
    this.#phase = 'serving';
  }

  onFrame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id } = header;
    switch (header.kind) {
      case FrameKind.call:
        this.#admit(id, header.index);
        this.#arrived.push({
          kind: 'call',
          id,
          index: header.index,
          payload: copyBytes(bytes, start, end),
          secret: undefined,
        });
        break;
      case FrameKind.cancel:
        this.#arrived.push({ kind: 'cancel', id, index: 0, payload: NOTHING, secret: undefined });
        break;
      case FrameKind.hostReply:
        this.#hostCalls?.onReply(id, bytes, start, end);
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

  onSecretStart({ id, index, bodyByteLength }: FrameHeader): void {
    this.#admit(id, index);
    this.#incoming = new IncomingSecret(
      id,
      index,
      bodyByteLength,
      this.#options.provisioned.memory,
    );
  }

  onSecretPiece(bytes: Uint8Array, start: number, end: number): void {
    this.#incoming?.add(bytes, start, end);
  }

  onSecretEnd(): void {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    if (incoming === undefined) return;
    const { id, index } = incoming;
    const ended = incoming.finish();
    if ('failure' in ended) this.#fail(id, ended.failure);
    else this.#arrived.push({ kind: 'call', id, index, payload: NOTHING, secret: ended.secret });
  }

  /**
   * One after the other, each as far as it goes by itself, its answer included: the next may use the same output buffer. So
   * after one that gives a promise the others wait until that was looked at, which is a turn of microtasks.
   */
  runArrived(): void {
    for (let arrival = this.#arrived.shift(); arrival; arrival = this.#arrived.shift()) {
      if (arrival.kind === 'cancel') {
        this.#open.get(arrival.id)?.abort();
      } else if (this.#run(arrival) === 'later') {
        queueMicrotask(() => this.runArrived());
        return;
      }
    }
  }

  /** Takes a call on arrival, before anything is allocated for it. */
  #admit(id: number, index: number): void {
    if (this.#phase !== 'serving' || id === 0 || this.#operations[index] === undefined) {
      throw new ProtocolViolation('a call that does not exist');
    }
    if (this.#open.has(id)) throw new ProtocolViolation('a call that is open already');
    if (this.#open.size >= this.#options.callsMax) throw new ProtocolViolation('too many calls');
    this.#open.set(id, undefined);
  }

  #run({ id, index, payload, secret }: Arrival): 'answered' | 'later' {
    const operation = this.#operations[index] as Operation<unknown>;
    const { host } = this.#hostCalls as HostCalls;
    const call = new OpenCall(this.#options.provisioned, host, secret);
    try {
      const result = operation(payload, call);
      if (!isThenable(result)) {
        this.#answer(id, result);
        return 'answered';
      }
      this.#open.set(id, call);
      // By way of a promise of the language: a thenable of the module's own may answer twice.
      Promise.resolve(result).then(
        (value) => this.#answer(id, value),
        (error: unknown) => this.#fail(id, error),
      );
      return 'later';
    } catch (error) {
      this.#fail(id, error);
      return 'answered';
    }
  }

  #answer(id: number, result: Uint8Array | undefined): void {
    const { payloadByteLengthMax } = this.#options;
    let body: Uint8Array | undefined;
    try {
      if (result !== undefined) body = viewOfGiven(result, 'the result', payloadByteLengthMax);
    } catch (error) {
      this.#fail(id, error);
      return;
    }
    this.#open.delete(id);
    this.#writer?.write(FrameKind.reply, 0, id, body);
  }

  #fail(id: number, error: unknown): void {
    this.#open.delete(id);
    this.#writer?.write(FrameKind.error, 0, id, encodeError(error));
  }
}

/** The context of one call. What few operations use is made when it is used. */
class OpenCall implements OperationContext<unknown> {
  readonly #provisioned: Provisioned;
  readonly host: Host;
  readonly secret: Secret | undefined;
  #aborting: AbortController | undefined;
  #aborted = false;

  constructor(provisioned: Provisioned, host: Host, secret: Secret | undefined) {
    this.#provisioned = provisioned;
    this.host = host;
    this.secret = secret;
  }

  get memory(): Allocator {
    return this.#provisioned.memory;
  }

  get generation(): number {
    return this.#provisioned.generation;
  }

  get state(): unknown {
    return this.#provisioned.state;
  }

  get signal(): AbortSignal {
    if (this.#aborting === undefined) {
      this.#aborting = new AbortController();
      if (this.#aborted) this.#aborting.abort();
    }
    return this.#aborting.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#aborting?.abort();
  }
}
