import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { type Allocator, createAllocator, hash } from '@securemem/core';
import { nolockBackend } from '@securemem/nolock';
import {
  METADATA_BYTE_LENGTH_MAX,
  PROTOCOL_VERSION,
  ProtocolViolation,
} from '../../src/channel/frame.js';
import { FrameReader } from '../../src/channel/frame-reader.js';
import { FrameWriter } from '../../src/channel/frame-writer.js';
import { decodeHello } from '../../src/child/hello.js';
import { HostCalls } from '../../src/child/host-calls.js';
import { Operations } from '../../src/child/operations.js';
import { FROM_HOST } from '../../src/child/run.js';
import type { Operation } from '../../src/define-keeper.js';
import type { FrameParts } from '../frames.js';
import { oddJson } from './odd-json.js';
import type { Random } from './random.js';
import { damage, join, pieces, type ReadFrame, readStream } from './stream.js';

/**
 * The keeper's end of the channel under a host that sends anything. A model that shares no code with it says of every
 * stream what must be answered and where it stops being honest; the real end must answer exactly that.
 */
const PAYLOAD_MAX = 100;
const CALLS_MAX = 4;
const HOST_CALLS_MAX = 2;

const CALL = 4;
const REPLY = 5;
const ERROR = 6;
const CANCEL = 7;
const HOST_CALL = 8;
const HOST_REPLY = 9;
const HOST_ERROR = 10;
const HOST_REPLY_RECEIVED = 11;
const CLOSE = 12;

/** In the order of their indices: what each answers is what the model below says. */
const operations: Readonly<Record<string, Operation<unknown>>> = {
  echo: (payload) => payload,
  hold: () => new Promise(() => {}),
  digest: (_payload, { secret }) => {
    if (secret === undefined) return undefined;
    const digest = hash('sha256', secret);
    secret.dispose();
    return digest;
  },
  ask: (payload, { host }) => host.call('act', payload),
};
const OPERATIONS = Object.keys(operations);

/** `kind id` or `kind id body`, so that lists of answers are compared at once. */
function told(kind: number, id: number, body: Uint8Array = new Uint8Array()): string {
  return `${kind} ${id} ${Buffer.from(body).toString('hex')}`;
}

/**
 * What an honest reading of the stream comes to. What comes in one piece is taken in first and carried out then, so calls
 * of one piece are open at once: an honest host, which has seen no answer yet, counts them so, too.
 */
class Model {
  violated = false;
  closed = false;
  /** Errors are told without their words. */
  readonly answers: string[] = [];
  readonly #frames: Generator<ReadFrame>;
  readonly #open = new Set<number>();
  readonly #asked: { readonly id: number; readonly payload: Uint8Array }[] = [];
  readonly #sent = new Map<number, number>();
  #frame: ReadFrame | undefined;
  #begun = false;
  #later: (() => void)[] = [];
  #lastHostCall = 0;

  constructor(bytes: Uint8Array) {
    this.#frames = readStream(bytes);
    this.#next();
  }

  /** The stream as far as `offset` has come. */
  comeTo(offset: number): void {
    while (!this.violated && this.#frame !== undefined && this.#step(this.#frame, offset));
    const later = this.#later;
    this.#later = [];
    if (!this.violated) for (const carryOut of later) carryOut();
  }

  /** Whether it got any further. */
  #step(frame: ReadFrame, offset: number): boolean {
    if (!this.#begun) {
      if (frame.headerEnd > offset) return false;
      this.#begun = true;
      this.violated = !this.#allowsHeader(frame);
      return true;
    }
    if (frame.end > offset) return false;
    this.violated = !this.#allows(frame);
    this.#next();
    return true;
  }

  #next(): void {
    this.#frame = this.#frames.next().value;
    this.#begun = false;
  }

  #allowsHeader(frame: ReadFrame): boolean {
    const { kind, flags, generation, byteLength } = frame;
    const longest = LONGEST[kind];
    if (longest === undefined || generation !== 1 || byteLength > longest) return false;
    if (flags === 0) return true;
    // A secret is judged when it begins, since its place is taken then; everything else when it is there.
    return flags === 1 && kind === CALL && this.#admits(frame);
  }

  #allows(frame: ReadFrame): boolean {
    const body = new Uint8Array(frame.body as Uint8Array);
    const { kind, flags, id, index } = frame;
    if (kind === CANCEL) return true;
    if (kind === CLOSE) {
      const due = !this.closed;
      this.closed = true;
      return due;
    }
    if (kind !== CALL) return this.#hostAnswer(frame, body);
    if (flags === 0 && !this.#admits(frame)) return false;
    if (flags === 1 && body.length === 0) return this.#answer(ERROR, id);
    this.#later.push(() => this.#run(id, index, body, flags === 1));
    return true;
  }

  #admits({ id, index }: ReadFrame): boolean {
    const allowed = !this.closed && id !== 0 && index < OPERATIONS.length && !this.#open.has(id);
    if (!allowed || this.#open.size === CALLS_MAX) return false;
    this.#open.add(id);
    return true;
  }

  #answer(kind: number, id: number, body?: Uint8Array): true {
    this.#open.delete(id);
    this.answers.push(kind === ERROR ? `${ERROR} ${id} ` : told(kind, id, body));
    return true;
  }

  #run(id: number, index: number, body: Uint8Array, secret: boolean): void {
    const payload = secret ? new Uint8Array() : body;
    switch (OPERATIONS[index]) {
      case 'echo':
        this.#answer(REPLY, id, payload);
        break;
      case 'digest':
        this.#answer(REPLY, id, secret ? createHash('sha256').update(body).digest() : undefined);
        break;
      case 'ask':
        this.#asked.push({ id, payload });
        this.#askNext();
        break;
    }
  }

  #askNext(): void {
    if (this.#sent.size === HOST_CALLS_MAX) return;
    const next = this.#asked.shift();
    if (next === undefined) return;
    this.#sent.set(++this.#lastHostCall, next.id);
    this.answers.push(told(HOST_CALL, this.#lastHostCall, next.payload));
  }

  #hostAnswer({ kind, id }: ReadFrame, body: Uint8Array): boolean {
    if (kind === HOST_ERROR && !isObject(body)) return false;
    const call = this.#sent.get(id);
    if (call === undefined) return false;
    this.#sent.delete(id);
    this.answers.push(told(HOST_REPLY_RECEIVED, id));
    this.#askNext();
    this.#later.push(() => {
      if (kind === HOST_ERROR) this.#answer(ERROR, call);
      else this.#answer(REPLY, call, body);
    });
    return true;
  }
}

const LONGEST: Readonly<Record<number, number>> = {
  [CALL]: PAYLOAD_MAX,
  [CANCEL]: 0,
  [HOST_REPLY]: PAYLOAD_MAX,
  [HOST_ERROR]: METADATA_BYTE_LENGTH_MAX,
  [CLOSE]: 0,
};

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function isObject(body: Uint8Array): boolean {
  const value = parse(body);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The frames of a host that is honest most of the time, and at the limits often. */
export function hostStream(random: Random): Uint8Array {
  const frames: FrameParts[] = [];
  for (let n = random.below(14); n > 0; n--) frames.push(hostFrame(random));
  if (random.chance(0.1)) frames.push({ kind: CLOSE });
  let bytes = join(frames);
  while (random.chance(0.2)) bytes = damage(random, bytes);
  return bytes;
}

function hostFrame(random: Random): FrameParts {
  const length = random.pick([0, 1, 16, 64, 65, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX]);
  const body = random.bytes(random.chance(0.03) ? PAYLOAD_MAX + 1 : length);
  const index = random.chance(0.03) ? OPERATIONS.length : random.below(OPERATIONS.length);
  const id = random.chance(0.02) ? 0 : 1 + random.below(40);
  const kind = random.pick([CALL, CALL, CALL, CALL, CANCEL, HOST_REPLY, HOST_ERROR]);
  const hostCall = 1 + random.below(3);
  if (kind === CALL) return { kind, id, index, flags: random.chance(0.3) ? 1 : 0, body };
  if (kind === CANCEL) return { kind, id };
  if (kind === HOST_REPLY) return { kind, id: hostCall, body };
  return { kind, id: hostCall, body: random.chance(0.7) ? '{"message":"m"}' : oddJson(random) };
}

/** Gives one stream to the keeper's end. Throws `AssertionError` where it does not do what the model says. */
export async function tryKeeperEnd(random: Random, bytes: Uint8Array): Promise<void> {
  const real = new RealEnd();
  const model = new Model(bytes);
  let offset = 0;
  for (const piece of pieces(random, bytes)) {
    offset += piece.length;
    await real.push(new Uint8Array(piece));
    model.comeTo(offset);
    if (real.violated || model.violated) break;
  }
  await new Promise((resolve) => setImmediate(resolve));

  assert.equal(real.violated, model.violated, 'whether it is a violation');
  if (!model.violated) {
    // Answers to calls of one turn may overtake each other; each is there once.
    assert.deepEqual(real.answers().sort(), model.answers.sort(), 'what is answered');
    assert.equal(real.closed, model.closed, 'whether the end is asked for');
  }
  real.release();
}

/** The keeper's end without a process: the same parts, over a pipe that takes everything. */
class RealEnd {
  violated = false;
  closed = false;
  readonly #sent: Uint8Array[] = [];
  readonly #memory: Allocator = createAllocator({ backend: nolockBackend(), exitHooks: false });
  readonly #operations: Operations;
  readonly #reader: FrameReader;

  constructor() {
    const socket = new Writable({
      write: (bytes: Uint8Array, _encoding, done) => {
        this.#sent.push(new Uint8Array(bytes));
        done();
      },
    });
    const writer = new FrameWriter(socket, 1, () => {});
    this.#operations = new Operations({
      operations,
      provisioned: { memory: this.#memory, generation: 1, state: undefined },
      payloadByteLengthMax: PAYLOAD_MAX,
      callsMax: CALLS_MAX,
      onClose: () => {
        this.closed = true;
      },
    });
    const limits = {
      payloadByteLengthMax: PAYLOAD_MAX,
      callsMax: 100,
      hostCallsMax: HOST_CALLS_MAX,
    };
    this.#operations.connect(writer, new HostCalls(writer, ['act'], limits));
    this.#operations.serve();
    this.#reader = new FrameReader(
      { kinds: FROM_HOST, generation: 1, payloadByteLengthMax: PAYLOAD_MAX },
      this.#operations,
    );
  }

  /** As the channel does it, whose only other answer to what is thrown is to end the process. */
  async push(piece: Uint8Array): Promise<void> {
    try {
      this.#reader.push(piece, 0, piece.length);
      piece.fill(0);
      this.#operations.runArrived();
    } catch (error) {
      assert.ok(error instanceof ProtocolViolation, `an exception of our own: ${String(error)}`);
      this.violated = true;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  answers(): string[] {
    return [...readStream(new Uint8Array(Buffer.concat(this.#sent)))].map(({ kind, id, body }) =>
      kind === ERROR ? `${kind} ${id} ` : told(kind, id, body),
    );
  }

  release(): void {
    this.#memory.purge('done');
  }
}

const HELLO = {
  version: PROTOCOL_VERSION,
  moduleUrl: 'file:///module.mjs',
  limits: { coreByteLengthMax: 0 },
  askedLimits: [] as string[],
  payloadByteLengthMax: 64,
  callsMax: 1,
  hostCallsMax: 1,
  hostFunctions: ['act'],
  descriptors: [5],
};

/** A greeting with up to two fields that are anything. Throws `AssertionError` where it is not taken or refused rightly. */
export function tryHello(random: Random): void {
  const fields = new Map(
    Object.entries(HELLO).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  for (let n = random.below(3); n > 0; n--)
    fields.set(random.pick([...fields.keys()]), oddJson(random));
  if (random.chance(0.1)) fields.delete(random.pick([...fields.keys()]));
  const text = `{${[...fields].map(([name, value]) => `"${name}":${value}`).join(',')}}`;
  const body = new Uint8Array(Buffer.from(random.chance(0.1) ? oddJson(random) : text));
  const generation = random.below(3);
  let taken = true;
  try {
    const hello = decodeHello(generation, body);
    assert.equal(Object.getPrototypeOf(hello.limits), null);
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation, `an exception of our own: ${String(error)}`);
    taken = false;
  }
  assert.equal(taken, generation > 0 && isHello(parse(body)), 'whether the greeting is taken');
}

function isHello(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const hello = new Map<string, unknown>(Object.entries(value));
  const isCount = (count: unknown): boolean =>
    Number.isSafeInteger(count) && (count as number) >= 0;
  const limits = hello.get('limits');
  const lists = [hello.get('askedLimits'), hello.get('hostFunctions')];
  const descriptors = hello.get('descriptors');
  return (
    hello.get('version') === PROTOCOL_VERSION &&
    typeof hello.get('moduleUrl') === 'string' &&
    typeof limits === 'object' &&
    limits !== null &&
    Object.values(limits).every(isCount) &&
    ['payloadByteLengthMax', 'callsMax', 'hostCallsMax'].every((name) =>
      isCount(hello.get(name)),
    ) &&
    lists.every(
      (list) =>
        Array.isArray(list) &&
        list.length <= 1_024 &&
        new Set(list).size === list.length &&
        list.every((name) => typeof name === 'string' && name !== '' && name.length <= 256),
    ) &&
    Array.isArray(descriptors) &&
    descriptors.every(isCount)
  );
}
