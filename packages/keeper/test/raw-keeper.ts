import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach } from 'vitest';
import { FrameKind, PROTOCOL_VERSION } from '../src/channel/frame.js';
import { FrameReader } from '../src/channel/frame-reader.js';
import { frame } from './frames.js';

const CHILD = new URL('../dist/child.js', import.meta.url).pathname;
const PROBE = new URL('./modules/probe.mjs', import.meta.url);

/** Every kind that a keeper sends, since it is we who read. */
const KINDS = new Set<number>(Object.values(FrameKind));

export interface Told {
  readonly kind: number;
  readonly id: number;
  readonly body: string;
}

const children: ChildProcess[] = [];

/** A keeper process without a supervisor: the test is its host, and may be a hostile one. */
export class RawKeeper {
  readonly process: ChildProcess;
  readonly told: Told[] = [];
  readonly ended: Promise<number | null>;
  stderr = '';
  readonly #channel: Duplex;
  #wake = (): void => {};

  constructor(runtimeArguments: readonly string[] = []) {
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] as const;
    this.process = spawn(process.execPath, [...runtimeArguments, CHILD], {
      stdio: [...stdio],
      env: {},
    });
    children.push(this.process);
    this.ended = once(this.process, 'close').then(() => this.process.exitCode);
    this.process.stderr?.on('data', (piece) => {
      this.stderr += piece;
    });
    this.#channel = this.process.stdio[3] as Duplex;
    const reader = new FrameReader(
      { kinds: KINDS, generation: 1, payloadByteLengthMax: 2 ** 26 },
      {
        onFrame: ({ kind, id }, bytes, start, end) => {
          this.told.push({ kind, id, body: Buffer.from(bytes.subarray(start, end)).toString() });
          this.#wake();
        },
      },
    );
    this.#channel.on('data', (piece: Uint8Array) => reader.push(piece, 0, piece.length));
    this.#channel.on('error', () => {});
  }

  /** Greets as an honest host does, but for `said`. */
  greet(said: object = {}): void {
    const hello = {
      version: PROTOCOL_VERSION,
      moduleUrl: String(PROBE),
      limits: { coreByteLengthMax: 0 },
      askedLimits: [],
      payloadByteLengthMax: 65_536,
      callsMax: 4,
      hostCallsMax: 4,
      hostFunctions: ['act'],
      descriptors: [],
      ...said,
    };
    this.send(frame({ kind: FrameKind.hello, body: JSON.stringify(hello) }));
  }

  send(...frames: readonly Uint8Array[]): void {
    this.#channel.write(Buffer.concat(frames));
  }

  /** Resolves with the first frame of that kind; rejects when the keeper ends without one. */
  async frameOf(kind: number): Promise<Told> {
    for (;;) {
      const found = this.told.find((told) => told.kind === kind);
      if (found !== undefined) return found;
      const more = new Promise<true>((resolve) => {
        this.#wake = () => resolve(true);
      });
      const went = await Promise.race([more, this.ended.then(() => false)]);
      if (!went) throw new Error(`it ended with ${this.process.exitCode}: ${this.stderr}`);
    }
  }

  /** The index of an operation, once it has greeted. */
  async indexOf(operation: string): Promise<number> {
    const { body } = await this.frameOf(FrameKind.ready);
    return (JSON.parse(body) as { operations: string[] }).operations.indexOf(operation);
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
