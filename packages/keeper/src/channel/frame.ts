/**
 * One frame of the channel between a keeper and its host: a header of fixed size and a body of bytes.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 4 | length of the body in bytes |
 * | 4 | 1 | kind |
 * | 5 | 1 | flags |
 * | 6 | 2 | index of the operation or of the host function |
 * | 8 | 4 | generation: which life of the keeper this belongs to |
 * | 12 | 4 | id of the call |
 *
 * All numbers are unsigned and little-endian. Names cross once, when the keeper starts; a call carries an index, so that
 * it needs no text at all.
 */
export const HEADER_BYTE_LENGTH = 16;

/** Raised when a frame changes its meaning: both ends must agree, and they are always of one build. */
export const PROTOCOL_VERSION = 3;

export const FrameKind = {
  /** Host to keeper, once and first: what to import and which limits apply. */
  hello: 1,
  /** Keeper to host, once: it is provisioned; the body has the names of its operations. */
  ready: 2,
  /** Keeper to host, once: it could not start; the body is an error. */
  startFailed: 3,
  call: 4,
  reply: 5,
  error: 6,
  /** Host to keeper: nobody waits for this call any more. */
  cancel: 7,
  /** Keeper to host: a function of the host is to be called. */
  hostCall: 8,
  hostReply: 9,
  hostError: 10,
  /** Keeper to host: the answer of a host function has arrived; the keeper works again. */
  hostReplyReceived: 11,
  /** Host to keeper: wipe, release and exit. */
  close: 12,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** The body is a secret: the keeper reads it into a page, and both ends wipe what they had of it. */
export const FLAG_SECRET = 1;

/** The longest body that carries names, limits or an error. Far above what they need, far below what would hurt. */
export const METADATA_BYTE_LENGTH_MAX = 64 * 1024;

/** Ids and generations fit in 32 bits and are never 0. */
export const ID_MAX = 0xffff_ffff;

/** What the other end must not do. Never crosses the channel itself; it becomes a crash of category `protocol`. */
export class ProtocolViolation extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ProtocolViolation';
  }
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) |
      ((bytes[offset + 1] as number) << 8) |
      ((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 24)) >>>
    0
  );
}

export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/**
 * A private copy of a part of `source`, neither pooled nor sharing its buffer. Short copies go byte by byte, which is
 * faster than making a view for `set`.
 */
export function copyBytes(source: Uint8Array, start: number, end: number): Uint8Array {
  const byteLength = end - start;
  const copy = new Uint8Array(byteLength);
  if (byteLength > 64) {
    copy.set(source.subarray(start, end));
    return copy;
  }
  for (let index = 0; index < byteLength; index++) copy[index] = source[start + index] as number;
  return copy;
}
