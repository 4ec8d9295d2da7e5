import { HEADER_BYTE_LENGTH, writeU32 } from '../src/channel/frame.js';

export interface FrameParts {
  readonly kind: number;
  readonly flags?: number;
  readonly index?: number;
  readonly generation?: number;
  readonly id?: number;
  readonly body?: Uint8Array | string;
  /** What the header says, where it lies. */
  readonly byteLength?: number;
}

/** A frame of our own making, for a peer to send behind the back of its program. */
export function frame(parts: FrameParts): Uint8Array {
  const { kind, flags = 0, index = 0, generation = 1, id = 0 } = parts;
  const body = typeof parts.body === 'string' ? Buffer.from(parts.body) : parts.body;
  const byteLength = body?.length ?? 0;
  const bytes = new Uint8Array(HEADER_BYTE_LENGTH + byteLength);
  writeU32(bytes, 0, parts.byteLength ?? byteLength);
  bytes[4] = kind;
  bytes[5] = flags;
  bytes[6] = index;
  bytes[7] = index >>> 8;
  writeU32(bytes, 8, generation);
  writeU32(bytes, 12, id);
  if (body !== undefined) bytes.set(body, HEADER_BYTE_LENGTH);
  return bytes;
}

/** Text of JSON that is nested so deeply that whoever walks it by calling itself runs out of stack. */
export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
