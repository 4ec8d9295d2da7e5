import {
  ERROR_KINDS,
  type ErrorCode,
  type ErrorDetails,
  type ErrorOptions,
  isSecureMemoryError,
  SecureMemoryError,
} from '@securemem/core';
import { METADATA_BYTE_LENGTH_MAX, ProtocolViolation } from './frame.js';

/**
 * Names, limits and errors cross as UTF-8 text: they are small, rare and no payload, and text is read without trusting
 * its author. Payloads and secrets never take this way.
 */

/** Characters of one message that cross; the rest is cut. */
const MESSAGE_LENGTH_MAX = 2_048;

/** Errors in a chain of causes that cross, the first included. */
const CAUSES_MAX = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The wire form of an error. Stacks stay at home: they name files of the other process. */
interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly operation?: string;
  readonly backend?: string;
  readonly syscall?: string;
  readonly errno?: number;
  readonly details?: ErrorDetails;
  readonly cause?: ErrorRecord;
}

export function encodeMetadata(value: unknown): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value));
  if (bytes.length > METADATA_BYTE_LENGTH_MAX) {
    throw new RangeError(`metadata of ${bytes.length} bytes is too long`);
  }
  return bytes;
}

/** Throws `ProtocolViolation` for what is not an object in well-formed text. */
export function decodeMetadata(bytes: Uint8Array, start: number, end: number): object {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The text says nothing that a message could safely repeat.
  }
  throw new ProtocolViolation('metadata that is not well-formed');
}

/** Any thrown value in bytes. Never throws: details that do not fit or cannot be written down are left out. */
export function encodeError(thrown: unknown): Uint8Array {
  const record = toRecord(thrown, CAUSES_MAX);
  try {
    return encodeMetadata(record);
  } catch {
    return encodeMetadata({ name: record.name, message: record.message, code: record.code });
  }
}

/** The error that the bytes describe: a SecureMemoryError where the code is one of ours, else a plain Error. */
export function decodeError(bytes: Uint8Array, start: number, end: number): Error {
  return fromRecord(decodeMetadata(bytes, start, end) as Partial<ErrorRecord>, CAUSES_MAX);
}

function toRecord(thrown: unknown, depth: number): ErrorRecord {
  if (!(thrown instanceof Error)) return { name: 'Error', message: 'a value that is no Error' };
  const { code } = thrown as { code?: unknown };
  const typed = isSecureMemoryError(thrown) ? thrown : undefined;
  return {
    name: String(thrown.name),
    message: String(thrown.message).slice(0, MESSAGE_LENGTH_MAX),
    ...(typeof code === 'string' && { code }),
    ...(typed?.operation !== undefined && { operation: typed.operation }),
    ...(typed?.backend !== undefined && { backend: typed.backend }),
    ...(typed?.syscall !== undefined && { syscall: typed.syscall }),
    ...(typed?.errno !== undefined && { errno: typed.errno }),
    ...(typed !== undefined && { details: plainDetails(typed.details) }),
    ...(thrown.cause !== undefined && depth > 1 && { cause: toRecord(thrown.cause, depth - 1) }),
  };
}

/** Numbers, booleans and short strings, which is what details are made of. */
function plainDetails(details: ErrorDetails): ErrorDetails {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'number' || typeof value === 'boolean') plain[name] = value;
    if (typeof value === 'string') plain[name] = value.slice(0, MESSAGE_LENGTH_MAX);
  }
  return plain;
}

function fromRecord(record: Partial<ErrorRecord>, depth: number): Error {
  const message = text(record.message) ?? '';
  const nested =
    depth > 1 && typeof record.cause === 'object' && record.cause !== null
      ? fromRecord(record.cause, depth - 1)
      : undefined;
  const code = text(record.code);
  if (code !== undefined && Object.hasOwn(ERROR_KINDS, code)) {
    const options: ErrorOptions = {
      operation: text(record.operation),
      backend: text(record.backend),
      syscall: text(record.syscall),
      errno: typeof record.errno === 'number' ? record.errno : undefined,
      details: plainDetails(record.details ?? {}),
      ...(nested !== undefined && { cause: nested }),
    };
    return new SecureMemoryError(code as ErrorCode, message, options);
  }
  const error = new Error(message, nested === undefined ? undefined : { cause: nested });
  error.name = text(record.name) ?? 'Error';
  return code === undefined ? error : Object.assign(error, { code });
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MESSAGE_LENGTH_MAX) : undefined;
}
