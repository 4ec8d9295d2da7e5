import type { Crash, CrashActivity, CrashObservation } from '@securemem/core';
import { FrameKind, ProtocolViolation } from '../channel/frame.js';
import {
  bodyOf,
  type FrameHandler,
  type FrameHeader,
  FrameReader,
} from '../channel/frame-reader.js';
import { FrameWriter } from '../channel/frame-writer.js';
import { decodeError, decodeMetadata, type Unread } from '../channel/metadata.js';
import { type CompleteOptions, NAMES_MAX } from '../complete-options.js';
import type { KeeperLimitsInForce } from '../limits.js';
import { isNames } from '../names.js';
import type { Call } from './call.js';
import { afterHeard } from './deadline.js';
import { type Greeting, readLimits } from './greeting.js';
import type { HeardClock } from './heard-clock.js';
import { HostCalls } from './host-calls.js';
import type { LivingProcess, MakeProcess, ProcessEnding } from './keeper-process.js';
import { OpenCalls } from './open-calls.js';
import type { Counters } from './reports.js';

/** What a life tells the keeper that owns it. */
export interface GenerationListener {
  onReady(generation: Generation): void;
  /** There is room on the channel again. */
  onDrain(): void;
  /** A call was answered, or its error was told. */
  onAnswer(): void;
  /** The last open call was answered. */
  onIdle(): void;
  /** Exactly once. `calls` are those that the keeper had and did not answer, in the order they were sent. */
  onEnd(
    generation: Generation,
    crash: Crash,
    calls: readonly Call[],
    cause: Error | undefined,
  ): void;
}

/** What a life is made of. */
export interface Life {
  /** Which one it is, counted from 1. */
  readonly number: number;
  readonly options: CompleteOptions;
  /** The body of the first frame. */
  readonly hello: Uint8Array;
  readonly makeProcess: MakeProcess;
  readonly clock: HeardClock;
  readonly counters: Counters;
  readonly listener: GenerationListener;
}

const KINDS: ReadonlySet<number> = new Set([
  FrameKind.ready,
  FrameKind.startFailed,
  FrameKind.reply,
  FrameKind.error,
  FrameKind.hostCall,
  FrameKind.hostReplyReceived,
  FrameKind.waits,
  FrameKind.waitOver,
  FrameKind.placed,
]);

const NO_OPERATIONS: ReadonlyMap<string, number> = new Map();

/**
 * One life of a keeper: a process, the channel to it and the calls in it. Nothing of it survives into the next life, so
 * an answer of this process can only ever settle a call that was sent to this process.
 */
export class Generation implements FrameHandler {
  readonly number: number;
  readonly #options: CompleteOptions;
  readonly #clock: HeardClock;
  readonly #listener: GenerationListener;
  readonly #process: LivingProcess;
  readonly #reader: FrameReader;
  readonly #hello: Uint8Array;
  readonly #counters: Counters;
  #writer: FrameWriter | undefined;
  #hostCalls: HostCalls | undefined;
  #calls: OpenCalls | undefined;
  /** Once it is ready. */
  #greeting: Greeting | undefined;
  #stopStart = (): void => {};
  #answeredCalls = 0;
  readonly #startedAtMs = performance.now();
  #closing = false;
  /** What the keeper said of its failed start, or what it did wrong. */
  #failure: Error | undefined;

  constructor({ number, options, hello, makeProcess, clock, counters, listener }: Life) {
    this.number = number;
    this.#options = options;
    this.#clock = clock;
    this.#listener = listener;
    this.#hello = hello;
    this.#counters = counters;
    this.#reader = new FrameReader(
      { kinds: KINDS, generation: number, payloadByteLengthMax: options.payloadByteLengthMax },
      this,
    );
    this.#process = makeProcess(options, clock);
  }

  /** Starts the process, once. Its owner can reach this life already, and may end it meanwhile. */
  begin(): void {
    this.#process.begin({
      onData: (bytes) => this.#receive(bytes),
      onEnd: (ending) => this.#end(ending),
    });
    const { channel, pid } = this.#process;
    if (channel === undefined) return;
    const options = this.#options;
    this.#writer = new FrameWriter(channel, this.number, () => {
      this.#hostCalls?.onDrain();
      this.#listener.onDrain();
    });
    const context = { generation: this.number, pid };
    this.#hostCalls = new HostCalls(options.host, options, this.#writer, this.#counters, context);
    const clock = this.#clock;
    const { startMsMax, waitMsMax } = options;
    const onHang = (): void => this.kill('SIGKILL', 'call-timeout');
    this.#calls = new OpenCalls({ clock, writer: this.#writer, waitMsMax, onHang });
    this.#stopStart = afterHeard(clock, startMsMax, onHang);
    this.#writer.write(FrameKind.hello, 0, 0, this.#hello);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Calls that were answered, errors included. */
  get answeredCalls(): number {
    return this.#answeredCalls;
  }

  /** Milliseconds since it was begun. */
  get ageMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  get openCalls(): number {
    return this.#calls?.size ?? 0;
  }

  /** Whether it has greeted. */
  get ready(): boolean {
    return this.#greeting !== undefined;
  }

  /** Whether calls can be sent now. */
  get writable(): boolean {
    return this.ready && !this.#closing && this.#writer !== undefined && !this.#writer.blocked;
  }

  /** The names that the keeper greeted with, and their indices on the channel. */
  get operations(): ReadonlyMap<string, number> {
    return this.#greeting?.operations ?? NO_OPERATIONS;
  }

  /** What the keeper greeted with; undefined before, and where it could not tell. */
  get limits(): KeeperLimitsInForce | undefined {
    return this.#greeting?.limits;
  }

  /** Sends a call of a known operation. The caller has looked at `writable`. */
  send(call: Call): void {
    this.#calls?.send(call, this.#indexOf(call.operation));
  }

  /** Tells the keeper that nobody waits any more. The call stays open until the keeper answers it. */
  cancel(call: Call): void {
    this.#writer?.write(FrameKind.cancel, 0, call.id);
  }

  /** Asks the keeper to wipe, release and exit, once. */
  askToClose(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#process.observe('requested');
    this.#writer?.write(FrameKind.close, 0, 0);
  }

  kill(signal: NodeJS.Signals, observation: CrashObservation): void {
    this.#process.kill(signal, observation);
  }

  onFrame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    // Nothing comes over a channel that is not there.
    if (this.#calls === undefined) return;
    switch (header.kind) {
      case FrameKind.reply:
        this.#calls.take(header.id).resolve(bodyOf(header, bytes, start, end));
        break;
      case FrameKind.error: {
        // Read first: a call that was taken and not settled would be lost.
        const error = decodeError(bytes, start, end);
        this.#calls.take(header.id).reject(error);
        break;
      }
      case FrameKind.hostCall:
        this.#hostCalls?.start(header, bytes, start, end);
        return;
      case FrameKind.hostReplyReceived:
        this.#hostCalls?.confirm(header.id);
        return;
      case FrameKind.waits:
        this.#calls.onWaits(header.id);
        return;
      case FrameKind.waitOver:
        this.#calls.onWaitOver(header.id);
        return;
      case FrameKind.placed:
        this.#calls.onPlaced(header.id, (operation) => this.#indexOf(operation));
        return;
      case FrameKind.ready:
        this.#becomeReady(decodeMetadata(bytes, start, end));
        return;
      case FrameKind.startFailed:
        this.#requireStarting();
        this.#failure = decodeError(bytes, start, end);
        return;
    }
    this.#answeredCalls++;
    this.#listener.onAnswer();
    if (this.#calls.size === 0) this.#listener.onIdle();
  }

  /**
   * Whatever the reader throws was caused by what this keeper has sent, so it is this keeper that ends: the host must not,
   * even where our own code has overlooked an input.
   */
  #receive(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes, 0, bytes.length);
    } catch (thrown) {
      this.#failure ??=
        thrown instanceof ProtocolViolation
          ? thrown
          : new ProtocolViolation('a frame that cannot be read', thrown);
      this.#process.observe('protocol-error');
      this.#process.kill('SIGKILL', 'protocol-error');
    }
  }

  #becomeReady({ operations, limits }: Unread<Greeting>): void {
    this.#requireStarting();
    if (!isNames(operations, NAMES_MAX) || operations.length === 0)
      throw new ProtocolViolation('a malformed greeting');
    const indices = new Map(operations.map((name, index) => [name, index]));
    this.#greeting = { operations: indices, limits: readLimits(limits) };
    // The start is over, so it is watched no more.
    this.#stopStart();
    this.#listener.onReady(this);
  }

  /** A start ends once, in one way. */
  #requireStarting(): void {
    if (this.ready || this.#failure !== undefined) {
      throw new ProtocolViolation('a start that ends twice');
    }
  }

  #indexOf(operation: string): number {
    return this.operations.get(operation) as number;
  }

  #activity(): CrashActivity {
    if (!this.ready) return 'starting';
    if (this.#closing) return 'closing';
    if (this.#hostCalls?.anyOpen) return 'callback';
    return this.openCalls > 0 ? 'busy' : 'idle';
  }

  #end({ startError, ...ending }: ProcessEnding): void {
    this.#stopStart();
    this.#writer?.stop();
    this.#hostCalls?.stop();
    const crash = { ...ending, activity: this.#activity(), limits: this.#options.limits };
    const calls = this.#calls?.takeAll() ?? [];
    this.#listener.onEnd(this, crash, calls, startError ?? this.#failure);
  }
}
