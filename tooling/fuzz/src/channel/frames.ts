/**
 * Frames as the models see them: written and read by the simplest program that can, all of a stream at once, without the
 * code under test.
 */
export const KIND = {
  hello: 1,
  ready: 2,
  startFailed: 3,
  call: 4,
  reply: 5,
  error: 6,
  cancel: 7,
  hostCall: 8,
  hostReply: 9,
  hostError: 10,
  hostReplyReceived: 11,
  close: 12,
} as const;

/** The longest body of text that either end takes. */
export const TEXT_BYTE_LENGTH_MAX = 65_536;

/** Names in a greeting, and the characters of each. */
export const NAMES_MAX = 1_024;
export const NAME_LENGTH_MAX = 256;

const HEADER = 16;

export interface FrameParts {
  readonly kind: number;
  readonly flags?: number;
  readonly index?: number;
  readonly generation?: number;
  readonly id?: number;
  readonly body?: Uint8Array | string;
}

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

export function stream(frames: readonly FrameParts[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames.map(written)));
}

function written({
  kind,
  flags = 0,
  index = 0,
  generation = 1,
  id = 0,
  body = '',
}: FrameParts): Uint8Array {
  const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const bytes = new Uint8Array(new ArrayBuffer(HEADER + content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length, true);
  view.setUint8(4, kind);
  view.setUint8(5, flags);
  view.setUint16(6, index, true);
  view.setUint32(8, generation, true);
  view.setUint32(12, id, true);
  bytes.set(content, HEADER);
  return bytes;
}

export function* readStream(bytes: Uint8Array): Generator<ReadFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const byteLength = view.getUint32(at, true);
    const end = at + HEADER + byteLength;
    yield {
      kind: view.getUint8(at + 4),
      flags: view.getUint8(at + 5),
      index: view.getUint16(at + 6, true),
      generation: view.getUint32(at + 8, true),
      id: view.getUint32(at + 12, true),
      byteLength,
      headerEnd: at + HEADER,
      end,
      body: end <= bytes.length ? bytes.subarray(at + HEADER, end) : undefined,
    };
    at = end;
  }
}

/** What was in a stream, for the corpus: which frames, how long, and what the end has made of them. */
export function featuresOf(bytes: Uint8Array, outcome: string): Set<string> {
  const features = new Set([outcome]);
  let last = 'nothing';
  for (const { kind, flags, byteLength, body } of readStream(bytes)) {
    const length = body === undefined ? 'cut' : Math.min(Math.ceil(Math.log2(byteLength + 1)), 20);
    const seen = `${kind}/${flags}`;
    features.add(`${seen}/${length}`).add(`${last} then ${seen}`);
    last = seen;
    // Past the limits nothing is read any more.
    if (features.size > 64) break;
  }
  return features.add(`${last}: ${outcome}`);
}
