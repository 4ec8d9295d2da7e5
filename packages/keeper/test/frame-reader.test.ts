import { describe, expect, it } from 'vitest';
import {
  FLAG_SECRET,
  FrameKind,
  HEADER_BYTE_LENGTH,
  METADATA_BYTE_LENGTH_MAX,
  ProtocolViolation,
  writeU32,
} from '../src/channel/frame.js';
import { FrameReader } from '../src/channel/frame-reader.js';

const GENERATION = 3;
const PAYLOAD_MAX = 1_000;

interface Fields {
  kind?: number;
  flags?: number;
  index?: number;
  generation?: number;
  id?: number;
  bodyByteLength?: number;
}

function frame(body: Uint8Array, fields: Fields = {}): Uint8Array {
  const { kind = FrameKind.call, flags = 0, index = 0, generation = GENERATION, id = 1 } = fields;
  const bytes = new Uint8Array(HEADER_BYTE_LENGTH + body.length);
  writeU32(bytes, 0, fields.bodyByteLength ?? body.length);
  bytes.set([kind, flags, index, index >>> 8], 4);
  writeU32(bytes, 8, generation);
  writeU32(bytes, 12, id);
  bytes.set(body, HEADER_BYTE_LENGTH);
  return bytes;
}

/** A reader, and what it has told so far, in words. */
function newReader(kinds: readonly number[] = [FrameKind.call, FrameKind.cancel, FrameKind.error]) {
  const told: string[] = [];
  const reader = new FrameReader(
    { kinds: new Set(kinds), generation: GENERATION, payloadByteLengthMax: PAYLOAD_MAX },
    {
      onFrame: ({ kind, index, id }, bytes, start, end) => {
        told.push(`${kind} ${index} ${id}: ${bytes.subarray(start, end).join()}`);
      },
      onSecretStart: ({ id, bodyByteLength }) => told.push(`secret ${id} of ${bodyByteLength}:`),
      onSecretPiece: (bytes, start, end) => {
        told[told.length - 1] += [...bytes.subarray(start, end)].map((byte) => ` ${byte}`).join('');
      },
      onSecretEnd: () => {
        told[told.length - 1] += ' end';
      },
    },
  );
  return { told, push: (bytes: Uint8Array) => reader.push(bytes, 0, bytes.length) };
}

const STREAM = Buffer.concat([
  frame(new Uint8Array([1, 2, 3]), { id: 0xffff_fffe, index: 700 }),
  frame(new Uint8Array(0), { kind: FrameKind.cancel, id: 2 }),
  frame(new Uint8Array([9, 8, 7, 6]), { flags: FLAG_SECRET, id: 3 }),
  frame(new Uint8Array([5]), { kind: FrameKind.error, id: 4 }),
]);
const TOLD = ['4 700 4294967294: 1,2,3', '7 0 2: ', 'secret 3 of 4: 9 8 7 6 end', '6 0 4: 5'];

describe('FrameReader', () => {
  it('push() tells the same frames wherever the stream is cut', () => {
    for (let first = 0; first <= STREAM.length; first++) {
      for (let second = first; second <= STREAM.length; second++) {
        const { told, push } = newReader();
        push(STREAM.subarray(0, first));
        push(STREAM.subarray(first, second));
        push(STREAM.subarray(second));
        expect(told).toEqual(TOLD);
      }
    }
  });

  it('push() takes single bytes', () => {
    const { told, push } = newReader();
    for (const byte of STREAM) push(new Uint8Array([byte]));
    expect(told).toEqual(TOLD);
  });

  it('push() takes a body of the maximum and refuses one byte more', () => {
    const { told, push } = newReader();
    push(frame(new Uint8Array(PAYLOAD_MAX)));
    expect(told).toHaveLength(1);
    expect(() => push(frame(new Uint8Array(PAYLOAD_MAX + 1)))).toThrow(ProtocolViolation);
    const errors = newReader();
    errors.push(frame(new Uint8Array(METADATA_BYTE_LENGTH_MAX), { kind: FrameKind.error }));
    const long = frame(new Uint8Array(0), {
      kind: FrameKind.error,
      bodyByteLength: METADATA_BYTE_LENGTH_MAX + 1,
    });
    expect(() => errors.push(long)).toThrow(ProtocolViolation);
  });

  it.each([
    ['an unknown kind', { kind: 99 }],
    ['a kind of the other direction', { kind: FrameKind.reply }],
    ['a frame of an earlier life', { generation: GENERATION - 1 }],
    ['a frame of a later life', { generation: GENERATION + 1 }],
    ['an unknown flag', { flags: 2 }],
    ['a secret that is no call', { kind: FrameKind.error, flags: FLAG_SECRET }],
    ['a body on a frame without one', { kind: FrameKind.cancel, bodyByteLength: 1 }],
    ['a length of four gigabytes', { bodyByteLength: 0xffff_ffff }],
  ])('S9 push() refuses %s, and everything after it', (_name, fields) => {
    const { told, push } = newReader();
    expect(() => push(frame(new Uint8Array(0), fields))).toThrow(ProtocolViolation);
    expect(() => push(STREAM)).toThrow(ProtocolViolation);
    expect(told).toEqual([]);
  });

  it('push() answers random bytes with a violation or patience, never with anything else', () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 16) & 255;
    };
    for (let n = 0; n < 2_000; n++) {
      const { push } = newReader();
      try {
        push(Uint8Array.from({ length: 64 }, random));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolViolation);
      }
    }
  });
});
