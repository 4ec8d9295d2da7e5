import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { completeOptions } from '@securemem/keeper/src/complete-options.js';
import { Call } from '@securemem/keeper/src/supervisor/call.js';
import { Generation } from '@securemem/keeper/src/supervisor/generation.js';
import { HeardClock } from '@securemem/keeper/src/supervisor/heard-clock.js';
import type { ProcessListener } from '@securemem/keeper/src/supervisor/keeper-process.js';
import { newCounters } from '@securemem/keeper/src/supervisor/reports.js';
import { CALLS, FUNCTIONS, HOST_CALLS_MAX, PAYLOAD_MAX } from './host-model.js';

const options = completeOptions({
  module: '/nowhere.mjs',
  payloadByteLengthMax: PAYLOAD_MAX,
  hostCallsMax: HOST_CALLS_MAX,
  host: Object.fromEntries(FUNCTIONS.map((name) => [name, (payload: Uint8Array) => payload])),
});

/** The host's end of the channel: a life of a keeper whose process is none. */
export class HostEnd {
  violated = false;
  sent = 0;
  /** Calls that were open when it ended. */
  unanswered = 0;
  readonly settled = new Map<number, unknown>();
  #listener: ProcessListener | undefined;

  constructor() {
    const channel = new Duplex({
      read() {},
      write: (_bytes, _encoding, done) => done(),
    });
    const life = new Generation({
      number: 1,
      options,
      hello: new Uint8Array(),
      clock: new HeardClock(),
      counters: newCounters(),
      makeProcess: () => ({
        channel,
        pid: 1,
        begin: (listener) => {
          this.#listener = listener;
        },
        kill: () => {},
        observe: (observation) => {
          if (observation === 'protocol-error') this.violated = true;
        },
      }),
      listener: {
        onReady: (generation) => this.#sendCalls(generation),
        onDrain: () => {},
        onAnswer: () => {},
        onIdle: () => {},
        onEnd: (_generation, _crash, calls) => {
          this.unanswered = calls.length;
        },
      },
    });
    life.begin();
  }

  /** What functions of the host have answered is out when it comes back, as with a pipe. */
  async push(piece: Uint8Array): Promise<void> {
    this.#listener?.onData(piece);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    this.#listener?.onEnd({
      code: null,
      signal: 'SIGKILL',
      observation: 'ended',
      stderrTail: '',
      ageMs: 1,
      startError: undefined,
    });
    await new Promise((resolve) => setImmediate(resolve));
  }

  #sendCalls(generation: Generation): void {
    const [operation] = generation.operations.keys();
    for (let n = 1; n <= CALLS; n += 1) {
      const given = { signal: undefined, idempotent: false, secret: false, callMsMax: 30_000 };
      const settle = (value: unknown): void => {
        assert.ok(!this.settled.has(n), 'settled once');
        this.settled.set(n, value);
      };
      generation.send(new Call(operation as string, new Uint8Array(8), given, settle, settle));
      this.sent += 1;
    }
  }
}
