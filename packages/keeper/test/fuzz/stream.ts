import { type FrameParts, frame } from '../frames.js';
import type { Random } from './random.js';

/** What was read of a stream by the simplest program that can: all of it at once, without the code under test. */
export interface ReadFrame {
  readonly kind: number;
  readonly flags: number;
  readonly index: number;
  readonly generation: number;
  readonly id: number;
  readonly byteLength: number;
  /** Where its header ends in the stream, and where its body does. */
  readonly headerEnd: number;
  readonly end: number;
  /** Absent where the stream ends before the body does. */
  readonly body: Uint8Array | undefined;
}

export function* readStream(bytes: Uint8Array): Generator<ReadFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 16 <= bytes.length; ) {
    const byteLength = view.getUint32(at, true);
    const end = at + 16 + byteLength;
    yield {
      kind: view.getUint8(at + 4),
      flags: view.getUint8(at + 5),
      index: view.getUint16(at + 6, true),
      generation: view.getUint32(at + 8, true),
      id: view.getUint32(at + 12, true),
      byteLength,
      headerEnd: at + 16,
      end,
      body: end <= bytes.length ? bytes.subarray(at + 16, end) : undefined,
    };
    at = end;
  }
}

export function join(frames: readonly FrameParts[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames.map(frame)));
}

/** A few bytes changed, cut out, put in, or the end cut off: as a rule in a header, where it hurts. */
export function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const damaged = new Uint8Array(bytes);
  if (damaged.length === 0) return damaged;
  const at = random.chance(0.7)
    ? random.below(Math.min(32, damaged.length))
    : random.below(damaged.length);
  switch (random.below(4)) {
    case 0:
      damaged[at] = random.pick([
        0,
        1,
        2,
        127,
        128,
        255,
        (damaged[at] as number) + 1,
        (damaged[at] as number) - 1,
      ]);
      return damaged;
    case 1:
      return damaged.subarray(0, at);
    case 2:
      return new Uint8Array(
        Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + 1 + random.below(4))]),
      );
    default:
      return new Uint8Array(
        Buffer.concat([
          damaged.subarray(0, at),
          random.bytes(1 + random.below(4)),
          damaged.subarray(at),
        ]),
      );
  }
}

/** The stream in pieces of every size, as a pipe might give it. */
export function* pieces(random: Random, bytes: Uint8Array): Generator<Uint8Array> {
  // Forty pieces are enough for every cut to be tried in some run.
  const least = Math.ceil(bytes.length / 40);
  const longest = random.pick([1, 7, 17, 4_096, bytes.length]);
  for (let at = 0; at < bytes.length; ) {
    const next = at + Math.max(least, 1 + random.below(longest));
    yield bytes.subarray(at, next);
    at = next;
  }
}
