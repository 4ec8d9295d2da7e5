import type { Crash, CrashActivity, CrashObservation } from '@securemem/core';
import { copyBytes, FLAG_SECRET, FrameKind, ID_MAX, ProtocolViolation } from '../channel/frame.js';
import { type FrameHandler, type FrameHeader, FrameReader } from '../channel/frame-reader.js';
import { FrameWriter } from '../channel/frame-writer.js';
import { decodeError, decodeMetadata, type Unread } from '../channel/metadata.js';
import { type CompleteOptions, NAMES_MAX } from '../complete-options.js';
import { isNames } from '../names.js';
import type { Call } from './call.js';
import { Deadline } from './deadline.js';
import type { HeardClock } from './heard-clock.js';
import { HostCalls } from './host-calls.js';
import type { LivingProcess, MakeProcess, ProcessEnding } from './keeper-process.js';
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
]);

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
  readonly #calls = new Map<number, Call>();
  readonly #deadline: Deadline;
  #operations = new Map<string, number>();
  #startDeadlineMs = Number.POSITIVE_INFINITY;
  #lastId = 0;
  #answeredCalls = 0;
  readonly #startedAtMs = performance.now();
  #ready = false;
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
    this.#deadline = new Deadline(
      clock,
      () => this.#earliestDeadlineMs(),
      () => this.kill('SIGKILL', 'call-timeout'),
    );
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
    this.#startDeadlineMs = this.#clock.nowMs + options.startMsMax;
    this.#deadline.watch(this.#startDeadlineMs);
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
    return this.#calls.size;
  }

  /** Whether it has greeted. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Whether calls can be sent now. */
  get writable(): boolean {
    return this.#ready && !this.#closing && this.#writer !== undefined && !this.#writer.blocked;
  }

  /** The names that the keeper greeted with, and their indices on the channel. */
  get operations(): ReadonlyMap<string, number> {
    return this.#operations;
  }

  /** Sends a call of a known operation. The caller has looked at `writable`. */
  send(call: Call): void {
    const id = this.#nextId();
    const index = this.#operations.get(call.operation) as number;
    call.id = id;
    call.deadlineMs = this.#clock.nowMs + call.callMsMax;
    this.#calls.set(id, call);
    this.#deadline.watch(call.deadlineMs);
    if (call.secret) {
      this.#writer?.writeSecret(FrameKind.call, FLAG_SECRET, index, id, call.payload, () =>
        call.wipePayload(),
      );
    } else {
      this.#writer?.write(FrameKind.call, index, id, call.payload);
    }
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
    switch (header.kind) {
      case FrameKind.reply:
        this.#take(header.id).resolve(copyBytes(bytes, start, end));
        break;
      case FrameKind.error: {
        // Read first: a call that was taken and not settled would be lost.
        const error = decodeError(bytes, start, end);
        this.#take(header.id).reject(error);
        break;
      }
      case FrameKind.hostCall:
        this.#hostCalls?.start(header, bytes, start, end);
        return;
      case FrameKind.hostReplyReceived:
        this.#hostCalls?.confirm(header.id);
        return;
      case FrameKind.ready:
        this.#becomeReady(decodeMetadata(bytes, start, end));
        return;
      case FrameKind.startFailed:
        this.#requireStarting();
        this.#failure = decodeError(bytes, start, end);
        return;
    }
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

  #becomeReady({ operations }: Unread<{ operations: readonly string[] }>): void {
    this.#requireStarting();
    if (!isNames(operations, NAMES_MAX) || operations.length === 0)
      throw new ProtocolViolation('a malformed greeting');
    this.#operations = new Map(operations.map((name, index) => [name, index]));
    this.#ready = true;
    // The start is over, so it is watched no more.
    this.#deadline.stop();
    this.#listener.onReady(this);
  }

  /** A start ends once, in one way. */
  #requireStarting(): void {
    if (this.#ready || this.#failure !== undefined) {
      throw new ProtocolViolation('a start that ends twice');
    }
  }

  /** The open call that a frame answers. */
  #take(id: number): Call {
    const call = this.#calls.get(id);
    if (call === undefined) throw new ProtocolViolation('an answer to no call');
    this.#calls.delete(id);
    this.#answeredCalls++;
    return call;
  }

  #earliestDeadlineMs(): number {
    if (!this.#ready) return this.#startDeadlineMs;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#calls.values()) {
      if (deadlineMs < earliestMs) earliestMs = deadlineMs;
    }
    return earliestMs;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= ID_MAX ? 1 : this.#lastId + 1;
    while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }

  #activity(): CrashActivity {
    if (!this.#ready) return 'starting';
    if (this.#closing) return 'closing';
    if (this.#hostCalls?.anyOpen) return 'callback';
    return this.#calls.size > 0 ? 'busy' : 'idle';
  }

  #end({ startError, ...ending }: ProcessEnding): void {
    this.#deadline.stop();
    this.#writer?.stop();
    this.#hostCalls?.stop();
    const crash = { ...ending, activity: this.#activity(), limits: this.#options.limits };
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#listener.onEnd(this, crash, calls, startError ?? this.#failure);
  }
}
