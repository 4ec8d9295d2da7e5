import { URL } from 'node:url';
import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { within } from '../common/within.js';
import { ownOptions } from '../contract/own-properties.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import {
  ALLOCATE_NAMES,
  type AllocateOptions,
  checkByteLength,
  requestOf,
} from '../lifetime/request.js';
import { integer, REGION_BYTE_LENGTH_MAX } from '../options.js';
import type { RequestOptions } from '../requests/granter.js';
import { type Secret, withBytes } from '../secret/secret.js';
import { type ByteSource, openDescriptor, openPath, type Patience } from './byte-source.js';
import { grow } from './growth.js';

export interface IngestOptions extends AllocateOptions {
  /** Longest input that is accepted, in bytes, 1 to 2^30, without a newline that is trimmed. Default 65,536. */
  readonly byteLengthMax?: number;
  /**
   * The only length that is accepted, in bytes, once a newline is trimmed: for keys, whose length is known. Input that does
   * not tell its length, as a pipe, is then read into one place; otherwise its place grows by moving, and needs room for
   * the old and the new at once (`ERR_SECMEM_TOO_LARGE` where there can be none).
   */
  readonly byteLength?: number;
  /**
   * Whether one newline at the very end (`\n` or `\r\n`, as editors and `echo` leave it) is not part of the secret.
   * Default false: a binary key may well end with that byte.
   */
  readonly trimNewline?: boolean;
}

/** The names in `IngestOptions`. */
export const INGEST_NAMES = [
  ...ALLOCATE_NAMES,
  'byteLengthMax',
  'byteLength',
  'trimNewline',
] as const;

/** What `IngestOptions` say of lengths, in bytes. */
export interface Limits {
  /** Of the content. */
  readonly byteLengthMax: number;
  readonly byteLength: number | undefined;
  readonly trimNewline: boolean;
  /** Of what is read: the content and a newline. */
  readonly readByteLengthMax: number;
  /** The same as far as the caller knows it; of the first place where nothing else tells. */
  readonly readByteLength: number;
}

const BYTE_LENGTH_MAX_DEFAULT = 65_536;
/** The first place for input of unknown length: one slot. It doubles from there. */
const FIRST_BYTE_LENGTH = 1024;
/** Carriage return and line feed. */
const NEWLINE_BYTE_LENGTH_MAX = 2;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** See `Allocations.fromFile`. `operation` is what errors speak of. */
export async function fromFile(
  owner: Ownership,
  path: string | URL | Buffer,
  options?: IngestOptions,
  operation = 'fromFile',
): Promise<Secret> {
  const place = placeOfFile(path);
  return ingest(owner, operation, options, async (patience, limits) => {
    const source = await openPath(place, patience);
    if ((source.byteLength ?? 0) <= limits.readByteLengthMax) return source;
    await source.close().catch(() => {});
    throw tooLong(operation, limits);
  });
}

/** A URL becomes one of this realm; bytes are copied, since their owner may change them while the call waits. */
export function placeOfFile(path: string | URL | Buffer): string | URL | Buffer {
  if (typeof path === 'string') return path;
  if (isBytes(path)) return Buffer.from(path);
  const href: unknown = path?.href;
  if (typeof href !== 'string') throw notA('a string, a Buffer or a URL', 'path', path);
  return new URL(href);
}

/** See `Allocations.fromFd`. `operation` is what errors speak of. */
export async function fromFd(
  owner: Ownership,
  fd: number,
  options?: IngestOptions,
  operation = 'fromFd',
): Promise<Secret> {
  integer('fd', fd, 0, 0x7fff_ffff);
  return ingest(owner, operation, options, (patience) => openDescriptor(fd, patience));
}

/**
 * Opens, reads, trims, checks. When the signal aborts the caller knows at once; a read that is still under way then ends
 * when the system lets it, and what it brought is wiped.
 */
async function ingest(
  owner: Ownership,
  operation: string,
  given: IngestOptions | undefined,
  open: (patience: Patience, limits: Limits) => Promise<ByteSource>,
): Promise<Secret> {
  const options = ownOptions(given, INGEST_NAMES, 'options');
  const limits = checkLimits(options);
  const { options: defaults, telemetry } = owner.places;
  const request = requestOf(options);
  const { signal, waitMsMax = defaults.waitMsMax } = request;
  const reading = async (): Promise<Secret> => {
    const source = await open({ operation, signal, waitMsMax }, limits);
    const read = readAll(owner, source, limits, request, operation);
    const secret = await read.catch(async (error: unknown) => {
      await source.close().catch(() => {});
      throw error;
    });
    await source.close().catch((error: unknown) => {
      secret.dispose();
      throw error;
    });
    return secret;
  };
  return within(reading, { signal }, (late) => {
    const { byteLength } = late;
    try {
      late.dispose();
    } catch (error) {
      telemetry.emit('release-failed', { byteLength, error });
    }
  });
}

export function checkLimits(options: IngestOptions): Limits {
  const { byteLength, trimNewline = false } = options;
  if (typeof trimNewline !== 'boolean') throw new TypeError('trimNewline must be true or false');
  if (byteLength !== undefined) checkByteLength(byteLength);
  const byteLengthMax = integer(
    'byteLengthMax',
    options.byteLengthMax ?? byteLength ?? BYTE_LENGTH_MAX_DEFAULT,
    1,
    REGION_BYTE_LENGTH_MAX,
  );
  const newline = trimNewline ? NEWLINE_BYTE_LENGTH_MAX : 0;
  const readByteLengthMax = Math.min(byteLengthMax + newline, REGION_BYTE_LENGTH_MAX);
  const readByteLength = byteLength === undefined ? FIRST_BYTE_LENGTH : byteLength + newline;
  return { byteLengthMax, byteLength, trimNewline, readByteLengthMax, readByteLength };
}

async function readAll(
  owner: Ownership,
  source: ByteSource,
  limits: Limits,
  request: RequestOptions,
  operation: string,
): Promise<Secret> {
  const { readByteLengthMax } = limits;
  const expected = Math.min(source.byteLength ?? limits.readByteLength, readByteLengthMax);
  let secret = await owner.allocate(expected, request);
  const probe = new Uint8Array(new ArrayBuffer(1));
  try {
    let filled = 0;
    for (;;) {
      if (filled < secret.byteLength) {
        const read = await source.readInto(secret, filled);
        if (read === 0) break;
        filled += read;
        continue;
      }
      // The room is full. One byte more tells whether the input is, and there is no room for it in the page.
      if ((await source.readByte(probe)) === 0) break;
      if (filled >= readByteLengthMax) throw tooLong(operation, limits);
      const wanted = Math.min(filled * 2, readByteLengthMax);
      secret = await grow(owner, secret, wanted, request, operation);
      withBytes(secret, 'write', (bytes) => bytes.set(probe, filled));
      probe[0] = 0;
      filled++;
    }
    finish(secret, filled, limits, operation);
    return secret;
  } catch (error) {
    secret.dispose();
    throw error;
  } finally {
    probe[0] = 0;
  }
}

/** Takes the newline off, checks the length, and cuts the secret to it. */
export function finish(secret: Secret, filled: number, limits: Limits, operation: string): void {
  const byteLength = limits.trimNewline
    ? withBytes(secret, 'read', (bytes) => lengthWithoutNewline(bytes, filled))
    : filled;
  if (byteLength === 0) throw inputInvalid(operation, 'the input is empty', 'empty');
  if (byteLength > limits.byteLengthMax) throw tooLong(operation, limits);
  if (limits.byteLength !== undefined && byteLength !== limits.byteLength) {
    const hint = byteLength > limits.byteLength ? newlineHint(limits) : '';
    const problem = `the input is not ${limits.byteLength} bytes long${hint}`;
    throw inputInvalid(operation, problem, 'length');
  }
  if (byteLength !== secret.byteLength) secret.resize(byteLength);
}

function lengthWithoutNewline(bytes: Uint8Array, length: number): number {
  if (bytes[length - 1] !== LINE_FEED) return length;
  return bytes[length - 2] === CARRIAGE_RETURN ? length - 2 : length - 1;
}

export function tooLong(operation: string, limits: Limits): Error {
  const problem = `the input is longer than ${limits.byteLengthMax} bytes${newlineHint(limits)}`;
  return inputInvalid(operation, problem, 'length');
}

/** What most often is too much of a key, as editors and `echo` write files. Said of the options, never of the content. */
function newlineHint({ byteLength, trimNewline }: Limits): string {
  if (byteLength === undefined || trimNewline) return '';
  return '; a newline at its end counts, unless trimNewline is true';
}
