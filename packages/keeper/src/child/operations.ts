import type { Allocator, Secret } from '@securemem/core';
import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { encodeError } from '../channel/metadata.js';
import type { Host, Operation, OperationContext } from '../define-keeper.js';
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

/** Runs operations as calls arrive, and answers each exactly once. */
export class Operations implements ChannelHandler {
  readonly #options: OperationsOptions;
  readonly #operations: readonly Operation<unknown>[];
  readonly #open = new Map<number, OpenCall>();
  #arrived: Arrival[] = [];
  #incoming: IncomingSecret | undefined;
  #writer: FrameWriter | undefined;
  #hostCalls: HostCalls | undefined;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#operations = Object.values(options.operations);
  }

  /** The channel needs its handler first, so the way back is given afterwards, before any byte is read. */
  connect(writer: FrameWriter, hostCalls: HostCalls): void {
    this.#writer = writer;
    this.#hostCalls = hostCalls;
  }

  onFrame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { id } = header;
    switch (header.kind) {
      case FrameKind.call:
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
        this.#options.onClose();
        break;
    }
  }

  onSecretStart({ id, index, bodyByteLength }: FrameHeader): void {
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
    const { id, index, failure } = incoming;
    const secret = incoming.finish();
    if (secret === undefined) this.#fail(id, failure);
    else this.#arrived.push({ kind: 'call', id, index, payload: NOTHING, secret });
  }

  runArrived(): void {
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    this.#arrived = [];
    for (const arrival of arrived) {
      if (arrival.kind === 'call') this.#run(arrival);
      else this.#open.get(arrival.id)?.abort();
    }
  }

  #run({ id, index, payload, secret }: Arrival): void {
    const operation = this.#operations[index];
    if (operation === undefined || this.#open.has(id)) {
      throw new ProtocolViolation('a call that does not exist');
    }
    const { host } = this.#hostCalls as HostCalls;
    const call = new OpenCall(this.#options.provisioned, host, secret);
    try {
      const result = operation(payload, call);
      if (!isThenable(result)) {
        this.#answer(id, result);
        return;
      }
      this.#open.set(id, call);
      result.then(
        (value) => this.#answer(id, value),
        (error: unknown) => this.#fail(id, error),
      );
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #answer(id: number, result: Uint8Array | undefined): void {
    const max = this.#options.payloadByteLengthMax;
    if (result !== undefined && !(result instanceof Uint8Array)) {
      this.#fail(id, new TypeError('an operation must return a Uint8Array or nothing'));
    } else if (result !== undefined && result.length > max) {
      this.#fail(id, new RangeError(`the result has more than ${max} bytes`));
    } else {
      this.#open.delete(id);
      this.#writer?.write(FrameKind.reply, 0, id, result);
    }
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

function isThenable(value: unknown): value is PromiseLike<Uint8Array | undefined> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
