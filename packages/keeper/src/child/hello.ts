import { readSync } from 'node:fs';
import { ownProperties } from '@securemem/core';
import {
  FrameKind,
  HEADER_BYTE_LENGTH,
  METADATA_BYTE_LENGTH_MAX,
  PROTOCOL_VERSION,
  ProtocolViolation,
  readU32,
} from '../channel/frame.js';
import { decodeMetadata, type Unread } from '../channel/metadata.js';
import { NAMES_MAX } from '../complete-options.js';
import { isNames } from '../names.js';
import type { HardenLimits } from '../options.js';

/** What the host says first. */
export interface Hello {
  readonly generation: number;
  readonly moduleUrl: string;
  /** What `harden` is told, defaults included. */
  readonly limits: HardenLimits;
  /** The names of the limits that the host asked for, so that somebody must set them. */
  readonly askedLimits: readonly string[];
  readonly payloadByteLengthMax: number;
  readonly callsMax: number;
  readonly hostCallsMax: number;
  readonly hostFunctions: readonly string[];
  readonly descriptors: readonly number[];
}

/**
 * Reads the greeting, and not one byte more, while the descriptor still blocks: so that nothing that follows is ever in
 * memory that is not locked. Throws `ProtocolViolation` for what no host of this build says.
 */
export function readHello(descriptor: number): Hello {
  const header = readExactly(descriptor, HEADER_BYTE_LENGTH);
  const byteLength = readU32(header, 0);
  if (header[4] !== FrameKind.hello || byteLength > METADATA_BYTE_LENGTH_MAX) {
    throw new ProtocolViolation('the host did not greet');
  }
  const body = readExactly(descriptor, byteLength);
  return decodeHello(readU32(header, 8), body);
}

/** The greeting in a body. Throws `ProtocolViolation` for a field that is missing, of another type or out of range. */
export function decodeHello(generation: number, body: Uint8Array): Hello {
  const said = decodeMetadata<Hello & { version: number }>(body, 0, body.length);
  if (said.version !== PROTOCOL_VERSION) {
    throw new ProtocolViolation('the host speaks another version');
  }
  const { moduleUrl, askedLimits, hostFunctions, descriptors } = said;
  const fine =
    generation > 0 &&
    typeof moduleUrl === 'string' &&
    isNames(askedLimits, NAMES_MAX) &&
    isNames(hostFunctions, NAMES_MAX) &&
    Array.isArray(descriptors) &&
    descriptors.every(isCount);
  if (!fine) throw malformed();
  return {
    generation,
    moduleUrl,
    limits: limitsOf(said),
    askedLimits,
    payloadByteLengthMax: count(said.payloadByteLengthMax),
    callsMax: count(said.callsMax),
    hostCallsMax: count(said.hostCallsMax),
    hostFunctions,
    descriptors: descriptors as readonly number[],
  };
}

/** Without a prototype: the module's `harden` may read limits that nobody has named. */
function limitsOf({ limits }: Unread<Hello>): HardenLimits {
  if (typeof limits !== 'object' || limits === null) throw malformed();
  const own = ownProperties(limits, 'limits');
  if (!Object.values(own).every(isCount)) throw malformed();
  return own;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function count(value: unknown): number {
  if (!isCount(value)) throw malformed();
  return value;
}

function malformed(): ProtocolViolation {
  return new ProtocolViolation('a malformed greeting');
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
