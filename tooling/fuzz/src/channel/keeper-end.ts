import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { type Allocator, createAllocator, hash } from '@securemem/core';
import { ProtocolViolation } from '@securemem/keeper/src/channel/frame.js';
import { FrameReader } from '@securemem/keeper/src/channel/frame-reader.js';
import { FrameWriter } from '@securemem/keeper/src/channel/frame-writer.js';
import { HostCalls } from '@securemem/keeper/src/child/host-calls.js';
import { Operations } from '@securemem/keeper/src/child/operations.js';
import { FROM_HOST } from '@securemem/keeper/src/child/run.js';
import type { Operation } from '@securemem/keeper/src/define-keeper.js';
import { nolockBackend } from '@securemem/nolock';
import { readStream } from './frames.js';
import { CALLS_MAX, HOST_CALLS_MAX, OPERATIONS, PAYLOAD_MAX, told } from './keeper-model.js';

/** What each answers is what the model says. */
const operations: Readonly<Record<(typeof OPERATIONS)[number], Operation<unknown>>> = {
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

/** The keeper's end of the channel without a process: the same parts, over a pipe that takes everything. */
export class KeeperEnd {
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
      operations: Object.fromEntries(OPERATIONS.map((name) => [name, operations[name]])),
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
    const sent = new Uint8Array(Buffer.concat(this.#sent));
    return [...readStream(sent)].map(({ kind, id, body }) => told(kind, id, body));
  }

  release(): void {
    this.#memory.purge('done');
  }
}
