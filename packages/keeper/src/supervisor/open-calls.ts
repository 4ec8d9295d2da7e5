import { FLAG_SECRET, FrameKind, ID_MAX, ProtocolViolation, writeU32 } from '../channel/frame.js';
import type { FrameWriter } from '../channel/frame-writer.js';
import type { Call } from './call.js';
import { Deadline } from './deadline.js';
import type { HeardClock } from './heard-clock.js';
import { MemoryWait } from './memory-wait.js';

export interface OpenCallsOptions {
  readonly clock: HeardClock;
  readonly writer: FrameWriter;
  /** How long a call may wait for locked memory in the keeper, in milliseconds. */
  readonly waitMsMax: number;
  /** A call was not answered in its time. */
  readonly onHang: () => void;
}

/** The calls that one life of a keeper has and has not answered, and the time that each of them has. */
export class OpenCalls {
  readonly #options: OpenCallsOptions;
  readonly #calls = new Map<number, Call>();
  readonly #deadline: Deadline;
  #lastId = 0;

  constructor(options: OpenCallsOptions) {
    this.#options = options;
    this.#deadline = new Deadline(
      options.clock,
      () => this.#earliestMs(),
      () => this.#onMissed(),
    );
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Sends a call of the operation with this index. Of a secret only the length, until there is a place for it. */
  send(call: Call, index: number): void {
    const { clock, writer } = this.#options;
    const id = this.#nextId();
    call.id = id;
    call.wait = undefined;
    this.#calls.set(id, call);
    this.#give(call, clock.nowMs + call.callMsMax);
    if (call.secret) {
      const body = new Uint8Array(new ArrayBuffer(4));
      writeU32(body, 0, call.payload.length);
      writer.write(FrameKind.reserve, index, id, body);
    } else {
      writer.write(FrameKind.call, index, id, call.payload);
    }
  }

  /** The keeper has a place for the secret of a call. Where nobody waits for the call any more, it was told so already. */
  onPlaced(id: number, indexOf: (operation: string) => number): void {
    const call = this.#get(id);
    if (!call.secret || call.secretSent) throw new ProtocolViolation('a place for no secret');
    if (call.settled) return;
    call.secretSent = true;
    this.#options.writer.writeSecret(
      FrameKind.call,
      FLAG_SECRET,
      indexOf(call.operation),
      id,
      call.payload,
      () => call.wipePayload(),
    );
  }

  onWaits(id: number): void {
    const call = this.#get(id);
    call.wait ??= new MemoryWait(call.callMsMax, this.#options.waitMsMax);
    this.#give(call, call.wait.told(this.#options.clock.nowMs, call.deadlineMs));
  }

  onWaitOver(id: number): void {
    const call = this.#get(id);
    if (!call.wait?.goingOn) throw new ProtocolViolation('an end of no wait');
    this.#give(call, call.wait.over(this.#options.clock.nowMs));
  }

  /** The open call that a frame answers; it is open no more. */
  take(id: number): Call {
    const call = this.#get(id);
    this.#calls.delete(id);
    return call;
  }

  /** All of them, in the order in which they were sent; none is open any more. */
  takeAll(): Call[] {
    this.#deadline.stop();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    return calls;
  }

  #get(id: number): Call {
    const call = this.#calls.get(id);
    if (call === undefined) throw new ProtocolViolation('an answer to no call');
    return call;
  }

  #give(call: Call, deadlineMs: number): void {
    call.deadlineMs = deadlineMs;
    this.#deadline.watch(deadlineMs);
  }

  /** One that waits for memory is asked whether it still does; any other hangs. */
  #onMissed(): void {
    const { clock, writer, onHang } = this.#options;
    for (const call of this.#calls.values()) {
      if (call.deadlineMs > clock.nowMs) continue;
      const nextMs = call.wait?.goingOn ? call.wait.ask(clock.nowMs) : undefined;
      if (nextMs === undefined) {
        onHang();
        return;
      }
      writer.write(FrameKind.ask, 0, call.id);
      call.deadlineMs = nextMs;
    }
    this.#deadline.watch(this.#earliestMs());
  }

  #earliestMs(): number {
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
}
