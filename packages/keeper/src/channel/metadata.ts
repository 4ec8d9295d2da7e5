import { TextDecoder, TextEncoder } from 'node:util';
import {
  ERROR_KINDS,
  type ErrorCode,
  type ErrorDetails,
  type ErrorOptions,
  isSecureMemoryError,
  ownProperties,
  SecureMemoryError,
} from '@securemem/core';
import { METADATA_BYTE_LENGTH_MAX, ProtocolViolation } from './frame.js';
import { isError } from './is-error.js';

/**
 * Names, limits and errors cross as UTF-8 text: they are small, rare and no payload, and text is read without trusting
 * its author. Payloads and secrets never take this way.
 *
 * Nothing here calls a method of what was read, or turns it into a primitive: an object can have a `toString` that is a
 * number, or be nested deeper than the stack.
 */

/** Characters of one text of an error that cross; the rest is cut. */
const TEXT_LENGTH_MAX = 2_048;

/** Errors in a chain of causes that cross, the first included. */
const CAUSES_MAX = 4;

/** Numbers, switches and short texts that one error brings along. */
const DETAILS_MAX = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The wire form of an error. Stacks stay at home: they name files of the other process. */
interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly operation?: string | undefined;
  readonly backend?: string | undefined;
  readonly syscall?: string | undefined;
  readonly errno?: number | undefined;
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

/** The own properties of the object in the text. Throws `ProtocolViolation` for what is none, or is not well-formed. */
export function decodeMetadata<T extends object>(
  bytes: Uint8Array,
  start: number,
  end: number,
): Unread<T> {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    if (isRecord(value)) return ownProperties(value, 'metadata') as Unread<T>;
  } catch {
    // The text says nothing that a message could safely repeat.
  }
  throw new ProtocolViolation('metadata that is not well-formed');
}

/** What the other end says it has sent: every field may be absent, or anything. */
export type Unread<T> = { readonly [Name in keyof T]?: unknown };

/** Any thrown value in bytes. Never throws, whatever the value does: what cannot be read or does not fit is left out. */
export function encodeError(thrown: unknown): Uint8Array {
  try {
    const record = toRecord(thrown, CAUSES_MAX);
    try {
      return encodeMetadata(record);
    } catch {
      return encodeMetadata({ name: record.name, message: record.message, code: record.code });
    }
  } catch {
    return encodeMetadata({ name: 'Error', message: 'an error that cannot be read' });
  }
}

/**
 * The error that the bytes describe: a SecureMemoryError where the code is one of ours, else a plain Error. Fields of a
 * wrong type are left out. Throws `ProtocolViolation` for what is not well-formed.
 */
export function decodeError(bytes: Uint8Array, start: number, end: number): Error {
  return fromRecord(decodeMetadata<ErrorRecord>(bytes, start, end), CAUSES_MAX);
}

function toRecord(thrown: unknown, depth: number): ErrorRecord {
  if (!isError(thrown)) return { name: 'Error', message: 'a value that is no Error' };
  const { code } = thrown as { code?: unknown };
  const cause = Object.hasOwn(thrown, 'cause') ? thrown.cause : undefined;
  const typed = isSecureMemoryError(thrown) ? thrown : undefined;
  return {
    name: text(thrown.name) ?? 'Error',
    message: text(thrown.message) ?? '',
    code: text(code),
    operation: text(typed?.operation),
    backend: text(typed?.backend),
    syscall: text(typed?.syscall),
    errno: typed?.errno,
    ...(typed !== undefined && { details: plainDetails(typed.details) }),
    ...(cause !== undefined && depth > 1 && { cause: toRecord(cause, depth - 1) }),
  };
}

/** Numbers, booleans and short strings, which is what details are made of. */
function plainDetails(details: unknown): ErrorDetails {
  const plain = ownProperties<Record<string, unknown>>({}, 'details');
  if (!isRecord(details)) return plain;
  for (const [name, value] of Object.entries(details).slice(0, DETAILS_MAX)) {
    if (typeof value === 'number' || typeof value === 'boolean') plain[name] = value;
    if (typeof value === 'string') plain[name] = text(value);
  }
  return plain;
}

function fromRecord(record: Unread<ErrorRecord>, depth: number): Error {
  const message = text(record.message) ?? '';
  const nested =
    depth > 1 && isRecord(record.cause)
      ? fromRecord(ownProperties(record.cause, 'cause'), depth - 1)
      : undefined;
  const code = text(record.code);
  if (code !== undefined && Object.hasOwn(ERROR_KINDS, code)) {
    const options: ErrorOptions = {
      operation: text(record.operation),
      backend: text(record.backend),
      syscall: text(record.syscall),
      errno: Number.isSafeInteger(record.errno) ? (record.errno as number) : undefined,
      details: plainDetails(record.details),
      ...(nested !== undefined && { cause: nested }),
    };
    return new SecureMemoryError(code as ErrorCode, message, ownProperties(options, 'options'));
  }
  const error = new Error(message, nested === undefined ? undefined : { cause: nested });
  error.name = text(record.name) ?? 'Error';
  return code === undefined ? error : Object.assign(error, { code });
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, TEXT_LENGTH_MAX) : undefined;
}
