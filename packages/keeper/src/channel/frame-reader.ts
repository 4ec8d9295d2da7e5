import {
  FLAG_SECRET,
  FrameKind,
  HEADER_BYTE_LENGTH,
  METADATA_BYTE_LENGTH_MAX,
  ProtocolViolation,
  readU32,
} from './frame.js';

/** The fields of a header, in one object that the reader fills anew for every frame. */
export interface FrameHeader {
  kind: number;
  flags: number;
  index: number;
  id: number;
  bodyByteLength: number;
}

/** What an end does with frames. Whatever it throws is passed on by `push`. */
export interface FrameHandler {
  /** The body is `bytes[start, end)` and valid during the call only. `header` is reused for the next frame. */
  onFrame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void;
  /**
   * A secret of `header.bodyByteLength` bytes follows in pieces and is never assembled by the reader; absent at an end
   * that takes no secrets.
   */
  onSecretStart?(header: FrameHeader): void;
  onSecretPiece?(bytes: Uint8Array, start: number, end: number): void;
  onSecretEnd?(): void;
}

export interface FrameReaderOptions {
  /** The kinds that this end accepts. */
  readonly kinds: ReadonlySet<number>;
  readonly generation: number;
  readonly payloadByteLengthMax: number;
}

/**
 * Cuts a stream of bytes into frames. A body that arrives in one piece is handed over in place; a body that spans pieces
 * is assembled once, after its length was checked. After a violation the reader refuses everything.
 */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #handler: FrameHandler;
  readonly #header: FrameHeader = { kind: 0, flags: 0, index: 0, id: 0, bodyByteLength: 0 };
  readonly #headerBytes = new Uint8Array(new ArrayBuffer(HEADER_BYTE_LENGTH));
  #headerFilled = 0;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;
  #inSecret = false;
  #refused = false;

  constructor(options: FrameReaderOptions, handler: FrameHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  /** Takes `bytes[start, end)`. Throws `ProtocolViolation` for what no honest peer sends. */
  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#refused) throw new ProtocolViolation('bytes after a violation');
    try {
      let offset = start;
      while (offset < end) offset = this.#take(bytes, offset, end);
    } catch (error) {
      this.#refused = true;
      throw error;
    }
  }

  /** Consumes at least one byte and returns the new offset. */
  #take(bytes: Uint8Array, offset: number, end: number): number {
    if (this.#inSecret) return this.#takeSecret(bytes, offset, end);
    if (this.#body !== undefined) return this.#takeBody(this.#body, bytes, offset, end);
    if (this.#headerFilled > 0 || end - offset < HEADER_BYTE_LENGTH) {
      return this.#takeHeader(bytes, offset, end);
    }
    this.#decode(bytes, offset);
    return this.#begin(bytes, offset + HEADER_BYTE_LENGTH, end);
  }

  #takeHeader(bytes: Uint8Array, offset: number, end: number): number {
    let next = offset;
    while (next < end && this.#headerFilled < HEADER_BYTE_LENGTH) {
      this.#headerBytes[this.#headerFilled++] = bytes[next++] as number;
    }
    if (this.#headerFilled < HEADER_BYTE_LENGTH) return next;
    this.#headerFilled = 0;
    this.#decode(this.#headerBytes, 0);
    return this.#begin(bytes, next, end);
  }

  #decode(bytes: Uint8Array, offset: number): void {
    const header = this.#header;
    header.bodyByteLength = readU32(bytes, offset);
    header.kind = bytes[offset + 4] as number;
    header.flags = bytes[offset + 5] as number;
    header.index = (bytes[offset + 6] as number) | ((bytes[offset + 7] as number) << 8);
    header.id = readU32(bytes, offset + 12);
    if (!this.#options.kinds.has(header.kind)) {
      throw new ProtocolViolation(`a frame of unexpected kind ${header.kind}`);
    }
    if (readU32(bytes, offset + 8) !== this.#options.generation) {
      throw new ProtocolViolation('a frame of another generation');
    }
    if (header.bodyByteLength > this.#bodyByteLengthMax(header.kind)) {
      throw new ProtocolViolation(`a body of ${header.bodyByteLength} bytes is too long`);
    }
    if (header.flags !== 0 && !this.#acceptsSecret(header)) {
      throw new ProtocolViolation(`a frame with unexpected flags ${header.flags}`);
    }
  }

  #acceptsSecret(header: FrameHeader): boolean {
    return (
      header.flags === FLAG_SECRET &&
      header.kind === FrameKind.call &&
      this.#handler.onSecretStart !== undefined
    );
  }

  #bodyByteLengthMax(kind: number): number {
    const payload = this.#options.payloadByteLengthMax;
    switch (kind) {
      case FrameKind.call:
      case FrameKind.reply:
      case FrameKind.hostCall:
      case FrameKind.hostReply:
        return payload;
      case FrameKind.cancel:
      case FrameKind.close:
      case FrameKind.hostReplyReceived:
        return 0;
      default:
        return METADATA_BYTE_LENGTH_MAX;
    }
  }

  /** The header is known; the body begins at `offset`. */
  #begin(bytes: Uint8Array, offset: number, end: number): number {
    const header = this.#header;
    if (header.flags === FLAG_SECRET) {
      this.#handler.onSecretStart?.(header);
      this.#inSecret = true;
      this.#bodyFilled = 0;
      return header.bodyByteLength === 0 ? this.#takeSecret(bytes, offset, offset) : offset;
    }
    const bodyEnd = offset + header.bodyByteLength;
    if (bodyEnd <= end) {
      this.#handler.onFrame(header, bytes, offset, bodyEnd);
      return bodyEnd;
    }
    this.#body = new Uint8Array(new ArrayBuffer(header.bodyByteLength));
    this.#bodyFilled = 0;
    return offset;
  }

  #takeBody(body: Uint8Array, bytes: Uint8Array, offset: number, end: number): number {
    const next = Math.min(end, offset + body.length - this.#bodyFilled);
    body.set(bytes.subarray(offset, next), this.#bodyFilled);
    this.#bodyFilled += next - offset;
    if (this.#bodyFilled < body.length) return next;
    this.#body = undefined;
    this.#handler.onFrame(this.#header, body, 0, body.length);
    return next;
  }

  #takeSecret(bytes: Uint8Array, offset: number, end: number): number {
    const next = Math.min(end, offset + this.#header.bodyByteLength - this.#bodyFilled);
    this.#handler.onSecretPiece?.(bytes, offset, next);
    this.#bodyFilled += next - offset;
    if (this.#bodyFilled < this.#header.bodyByteLength) return next;
    this.#inSecret = false;
    this.#handler.onSecretEnd?.();
    return next;
  }
}
