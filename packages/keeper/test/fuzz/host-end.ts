import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { METADATA_BYTE_LENGTH_MAX } from '../../src/channel/frame.js';
import { completeOptions } from '../../src/complete-options.js';
import { Call } from '../../src/supervisor/call.js';
import { Generation } from '../../src/supervisor/generation.js';
import { HeardClock } from '../../src/supervisor/heard-clock.js';
import type { ProcessListener } from '../../src/supervisor/keeper-process.js';
import { newCounters } from '../../src/supervisor/reports.js';
import type { FrameParts } from '../frames.js';
import { oddJson } from './odd-json.js';
import type { Random } from './random.js';
import { damage, join, pieces, type ReadFrame, readStream } from './stream.js';

/**
 * The host's end of the channel under a keeper that sends anything. A model that shares no code with it says of every
 * stream whether an honest keeper could have sent it, and what it would have meant; the real end must say the same, throw
 * nothing, settle each call once, and leave no trace on what everybody shares.
 */
const PAYLOAD_MAX = 100;
const HOST_CALLS_MAX = 3;
const FUNCTIONS_MAX = 2;
const CALLS = 3;

const READY = 2;
const START_FAILED = 3;
const REPLY = 5;
const ERROR = 6;
const HOST_CALL = 8;
const HOST_REPLY_RECEIVED = 11;

const act = (payload: Uint8Array): Uint8Array => payload;

const options = completeOptions({
  module: '/nowhere.mjs',
  payloadByteLengthMax: PAYLOAD_MAX,
  hostCallsMax: HOST_CALLS_MAX,
  host: { first: act, second: act },
});

/** What an honest reading of the stream comes to. */
class Model {
  state: 'starting' | 'failed' | 'ready' | 'violated' = 'starting';
  readonly answers = new Map<number, 'error' | Uint8Array>();
  readonly #unconfirmed = new Set<number>();

  take(frame: ReadFrame): void {
    if (this.state !== 'violated' && !this.#allows(frame)) this.state = 'violated';
  }

  #allows({ kind, flags, index, generation, id, byteLength, body }: ReadFrame): boolean {
    const longest = LONGEST[kind];
    if (longest === undefined || flags !== 0 || generation !== 1 || byteLength > longest)
      return false;
    if (body === undefined) return true;
    switch (kind) {
      case READY:
        return this.#becomes('ready', body);
      case START_FAILED:
        return this.#becomes('failed', body);
      case REPLY:
        return this.#answers(id, new Uint8Array(body));
      case ERROR:
        return parse(body) !== undefined && this.#answers(id, 'error');
      case HOST_CALL: {
        const allowed = index < FUNCTIONS_MAX && id !== 0 && !this.#unconfirmed.has(id);
        if (!allowed || this.#unconfirmed.size === HOST_CALLS_MAX) return false;
        this.#unconfirmed.add(id);
        return true;
      }
      default:
        return this.#unconfirmed.delete(id);
    }
  }

  #becomes(state: 'ready' | 'failed', body: Uint8Array): boolean {
    const said = parse(body);
    if (said === undefined || this.state !== 'starting') return false;
    if (state === 'ready' && !areNames(said.operations)) return false;
    this.state = state;
    return true;
  }

  #answers(id: number, answer: 'error' | Uint8Array): boolean {
    if (this.state !== 'ready' || id < 1 || id > CALLS || this.answers.has(id)) return false;
    this.answers.set(id, answer);
    return true;
  }
}

const LONGEST: Readonly<Record<number, number>> = {
  [READY]: METADATA_BYTE_LENGTH_MAX,
  [START_FAILED]: METADATA_BYTE_LENGTH_MAX,
  [REPLY]: PAYLOAD_MAX,
  [ERROR]: METADATA_BYTE_LENGTH_MAX,
  [HOST_CALL]: PAYLOAD_MAX,
  [HOST_REPLY_RECEIVED]: 0,
};

function parse(body: Uint8Array): { operations?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function areNames(value: unknown): boolean {
  if (!Array.isArray(value) || value.length < 1 || value.length > 1_024) return false;
  const seen = new Set<unknown>();
  for (const name of value) {
    if (typeof name !== 'string' || name === '' || name.length > 256 || seen.has(name))
      return false;
    seen.add(name);
  }
  return true;
}

/** The frames of a keeper that is honest most of the time, and at the limits often. */
export function keeperStream(random: Random): Uint8Array {
  const frames: FrameParts[] = [];
  if (random.chance(0.85)) frames.push({ kind: READY, body: `{"operations":${names(random)}}` });
  for (let n = random.below(10); n > 0; n--) frames.push(keeperFrame(random));
  let bytes = join(frames);
  while (random.chance(0.3)) bytes = damage(random, bytes);
  return bytes;
}

function names(random: Random): string {
  const kind = random.below(10);
  if (kind < 6) return '["echo","hold"]';
  if (kind === 6) return JSON.stringify(Array.from({ length: 1_023 + random.below(3) }, String));
  if (kind === 7) return JSON.stringify(['n'.repeat(random.pick([0, 1, 256, 257]))]);
  return random.chance(0.5) ? `[${oddJson(random)}]` : oddJson(random);
}

function keeperFrame(random: Random): FrameParts {
  const id = random.below(CALLS + 2);
  const length = random.pick([0, 1, 16, 64, 65, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1]);
  const kind = random.pick([
    READY,
    START_FAILED,
    REPLY,
    REPLY,
    REPLY,
    ERROR,
    ERROR,
    HOST_CALL,
    HOST_CALL,
    HOST_REPLY_RECEIVED,
    HOST_REPLY_RECEIVED,
    1,
    4,
    7,
  ]);
  switch (kind) {
    case READY:
    case START_FAILED:
    case ERROR:
      return {
        kind,
        id,
        body: random.chance(0.5) ? oddJson(random) : '{"message":"m","code":"ERR_SECMEM_CLOSED"}',
      };
    case HOST_REPLY_RECEIVED:
      return { kind, id };
    default:
      return { kind, id, index: random.below(FUNCTIONS_MAX + 1), body: random.bytes(length) };
  }
}

/** Gives one stream to the host's end. Throws `AssertionError` where it does not do what the model says. */
export async function tryHostEnd(random: Random, bytes: Uint8Array): Promise<void> {
  const real = new RealEnd();
  const model = new Model();
  for (const frame of readStream(bytes)) model.take(frame);
  for (const piece of pieces(random, bytes)) {
    // What comes later is only looked at once functions of the host have answered, as with a pipe.
    real.listener.onData(new Uint8Array(piece));
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    if (real.violated) break;
  }
  real.end();
  await new Promise((resolve) => setImmediate(resolve));

  assert.equal(real.violated, model.state === 'violated', 'whether it is a violation');
  assert.ok(real.runningMax <= HOST_CALLS_MAX, 'functions that run at once');
  for (const [id, answer] of model.answers) {
    const settled = real.settled.get(id);
    if (answer === 'error') assert.ok(settled instanceof Error, `call ${id} is an error`);
    else assert.deepEqual(settled, answer, `the answer of call ${id}`);
  }
  assert.equal(real.settled.size, model.answers.size, 'calls that were settled by an answer');
  assert.equal(real.unanswered, real.sent - model.answers.size, 'calls that were not');
  assert.deepEqual(Object.keys(Object.prototype), [], 'the prototype of everything');
}

/** A life of a keeper whose process is none. */
class RealEnd {
  listener!: ProcessListener;
  violated = false;
  sent = 0;
  unanswered = 0;
  runningMax = 0;
  readonly settled = new Map<number, unknown>();

  constructor() {
    const channel = new Duplex({
      read() {},
      write: (_bytes, _encoding, done) => done(),
    });
    new Generation({
      number: 1,
      options,
      hello: new Uint8Array(),
      clock: new HeardClock(),
      counters: newCounters(),
      start: (_options, _clock, listener) => {
        this.listener = listener;
        return {
          channel,
          pid: 1,
          kill: () => {},
          observe: (observation) => {
            if (observation === 'protocol-error') this.violated = true;
          },
        };
      },
      listener: {
        onReady: (generation) => this.#sendCalls(generation),
        onDrain: () => {},
        onIdle: () => {},
        onEnd: (_generation, _crash, calls) => {
          this.unanswered = calls.length;
        },
      },
    });
  }

  end(): void {
    this.listener.onEnd({
      code: null,
      signal: 'SIGKILL',
      observation: 'ended',
      stderrTail: '',
      ageMs: 1,
      startError: undefined,
    });
  }

  #sendCalls(generation: Generation): void {
    const [operation] = generation.operations.keys();
    for (let n = 1; n <= CALLS; n++) {
      const given = { signal: undefined, idempotent: false, secret: false, callMsMax: 30_000 };
      const settle = (value: unknown): void => {
        assert.ok(!this.settled.has(n), 'settled once');
        this.settled.set(n, value);
      };
      generation.send(new Call(operation as string, new Uint8Array(8), given, settle, settle));
      this.sent++;
    }
  }
}
