import { readSync } from 'node:fs';
import {
  FrameKind,
  HEADER_BYTE_LENGTH,
  METADATA_BYTE_LENGTH_MAX,
  PROTOCOL_VERSION,
  ProtocolViolation,
  readU32,
} from '../channel/frame.js';
import { decodeMetadata } from '../channel/metadata.js';
import type { HardenLimits } from '../options.js';

/** What the host says first. */
export interface Hello {
  readonly generation: number;
  readonly moduleUrl: string;
  readonly limits: HardenLimits;
  readonly payloadByteLengthMax: number;
  readonly callsMax: number;
  readonly hostFunctions: readonly string[];
  readonly descriptors: readonly number[];
}

/**
 * Reads the greeting, and not one byte more, while the descriptor still blocks: so that nothing that follows is ever in
 * memory that is not locked.
 */
export function readHello(descriptor: number): Hello {
  const header = readExactly(descriptor, HEADER_BYTE_LENGTH);
  const byteLength = readU32(header, 0);
  if (header[4] !== FrameKind.hello || byteLength > METADATA_BYTE_LENGTH_MAX) {
    throw new ProtocolViolation('the host did not greet');
  }
  const body = readExactly(descriptor, byteLength);
  const hello = decodeMetadata(body, 0, body.length) as Hello & { version: number };
  if (hello.version !== PROTOCOL_VERSION) {
    throw new ProtocolViolation(`the host speaks version ${hello.version}`);
  }
  return { ...hello, generation: readU32(header, 8) };
}

function readExactly(descriptor: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  let filled = 0;
  while (filled < byteLength) {
    const read = readSome(descriptor, bytes, filled);
    if (read === 0) throw new ProtocolViolation('the host left before it greeted');
    filled += read;
  }
  return bytes;
}

/** Some systems hand the descriptor over without blocking; then this waits a millisecond at a time. */
function readSome(descriptor: number, bytes: Uint8Array, offset: number): number {
  for (;;) {
    try {
      return readSync(descriptor, bytes, offset, bytes.length - offset, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
