import type { Allocator, Lease, Secret } from '@securemem/core';
import { copyBytes, FrameKind, ProtocolViolation } from '../channel/frame.js';
import type { FrameHandler, FrameHeader } from '../channel/frame-reader.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import { encodeError } from '../channel/metadata.js';
import type { Host, Operation, OperationContext } from '../define-keeper.js';
import type { HostCalls } from './host-calls.js';

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

/** Runs operations as calls arrive, and answers each exactly once. */
export class Operations implements FrameHandler {
  readonly #options: OperationsOptions;
  readonly #operations: readonly Operation<unknown>[];
  readonly #open = new Map<number, OpenCall>();
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
        this.#run(id, header.index, copyBytes(bytes, start, end), undefined);
        break;
      case FrameKind.cancel:
        this.#open.get(id)?.abort();
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
    this.#incoming = new IncomingSecret(id, index, bodyByteLength, this.#options.provisioned);
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
    else this.#run(id, index, NOTHING, secret);
  }

  #run(id: number, index: number, payload: Uint8Array, secret: Secret | undefined): void {
    const operation = this.#operations[index];
    if (operation === undefined || this.#open.has(id)) {
      throw new ProtocolViolation('a call that does not exist');
    }
    const host = this.#hostCalls as HostCalls;
    const call = new OpenCall(id, this.#options.provisioned, host, secret);
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
  readonly #id: number;
  readonly #provisioned: Provisioned;
  readonly #hostCalls: HostCalls;
  readonly secret: Secret | undefined;
  #aborting: AbortController | undefined;
  #aborted = false;

  constructor(
    id: number,
    provisioned: Provisioned,
    hostCalls: HostCalls,
    secret: Secret | undefined,
  ) {
    this.#id = id;
    this.#provisioned = provisioned;
    this.#hostCalls = hostCalls;
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

  get host(): Host {
    return this.#hostCalls.onBehalfOf(this.#id);
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

/**
 * A secret on its way in: its place is taken before the first byte is looked at, and the bytes go from the locked receive
 * buffer into it. Where there is no place the bytes are skipped and the call fails with the reason, which is an ordinary
 * error. It does not wait for a place: what would free one may be in the channel behind it.
 */
class IncomingSecret {
  readonly id: number;
  readonly index: number;
  readonly failure: unknown;
  readonly #secret: Secret | undefined;
  readonly #lease: Lease | undefined;
  #filled = 0;

  constructor(id: number, index: number, byteLength: number, { memory }: Provisioned) {
    this.id = id;
    this.index = index;
    try {
      this.#secret = memory.allocateSync(byteLength);
      this.#lease = this.#secret.lend({ mode: 'write' });
    } catch (error) {
      this.#secret?.dispose();
      this.#secret = undefined;
      this.failure = error;
    }
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#lease?.bytes.set(bytes.subarray(start, end), this.#filled);
    this.#filled += end - start;
  }

  finish(): Secret | undefined {
    this.#lease?.release();
    return this.#secret;
  }
}

function isThenable(value: unknown): value is PromiseLike<Uint8Array | undefined> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}
