import { zero } from '../../contract/zero.js';
import { base64Shape, decodeBase64 } from '../base64.js';
import type { Span } from './found-key.js';
import { keyRefused } from './key-refused.js';

/** One block of a PEM file (RFC 7468), decoded where it lies. */
export interface PemBlock<Label> {
  readonly label: Label;
  readonly content: Span;
  /** What follows it in the file. */
  readonly rest: Span;
}

/** A line without its end, and where the next one begins. */
interface Line extends Span {
  readonly next: number;
}

const BEGIN = ascii('-----BEGIN ');
const END = ascii('-----END ');
const DASHES = ascii('-----');
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;

/**
 * Decodes the first block in `text`, before which there are empty lines at most. Its lines are of one length but for the last
 * (RFC 7468 has 64, OpenSSH 70, MIME 76), and have nothing in them but base64. Of the text nothing is left but what follows the block.
 */
export function decodePem<Label extends string>(
  bytes: Uint8Array,
  text: Span,
  labels: readonly Label[],
): PemBlock<Label> {
  const first = firstLine(bytes, text);
  const label = labelOf(bytes, first, labels);
  let line = lineAt(bytes, first.next, text.end);
  if (bytes.subarray(line.start, line.end).includes(COLON)) {
    throw keyRefused(
      'unsupported',
      'the block has headers, as keys have that PEM itself encrypts',
      {
        byteOffset: line.start,
        remedy: 'write it as PKCS#8: openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256',
      },
    );
  }
  const { start } = line;
  const width = line.end - line.start;
  let end = start;
  let last = width;
  while (!begins(bytes, line, END)) {
    const length = line.end - line.start;
    const fits = length > 0 && length <= width && last === width;
    if (!fits) throw broken('this is no line of the block', line.start);
    bytes.copyWithin(end, line.start, line.end);
    end += length;
    last = length;
    line = lineAt(bytes, line.next, text.end);
  }
  const closing = ascii(`-----END ${label}-----`);
  if (!begins(bytes, line, closing) || line.end - line.start !== closing.length) {
    throw broken('the block does not end as it began', line.start);
  }
  const content = decode(bytes, { start, end });
  zero(bytes, text.start, content.start);
  zero(bytes, content.end, line.next);
  return { label, content, rest: { start: line.next, end: text.end } };
}

/** Throws where anything but white space is left. */
export function assertBlank(bytes: Uint8Array, rest: Span): void {
  let at = rest.start;
  while (at < rest.end && isSpace(bytes[at] as number)) at++;
  if (at < rest.end) throw broken('something follows the block', at);
}

function firstLine(bytes: Uint8Array, text: Span): Line {
  let line = lineAt(bytes, text.start, text.end);
  while (line.start === line.end) line = lineAt(bytes, line.next, text.end);
  return line;
}

function labelOf<Label extends string>(
  bytes: Uint8Array,
  line: Line,
  labels: readonly Label[],
): Label {
  if (!begins(bytes, line, BEGIN)) throw broken('no block of PEM begins here', line.start);
  const found = labels.find((label) => {
    const opening = ascii(`-----BEGIN ${label}-----`);
    return begins(bytes, line, opening) && line.end - line.start === opening.length;
  });
  if (found !== undefined) return found;
  if (!begins(bytes, { start: line.end - DASHES.length, end: line.end }, DASHES)) {
    throw broken('the first line of the block is broken', line.start);
  }
  const problem = `the block is none of ${labels.join(', ')}`;
  throw keyRefused('unsupported', problem, { byteOffset: line.start });
}

function decode(bytes: Uint8Array, { start, end }: Span): Span {
  const text = bytes.subarray(start, end);
  const shape = text.length % 4 === 0 ? base64Shape(text) : undefined;
  if (shape === undefined || !decodeBase64(text, shape, 'base64', text)) {
    throw broken('the block is not base64', start);
  }
  return { start, end: start + shape.byteLength };
}

/** The line at `start`, which ends with a line feed, or with the text. */
function lineAt(bytes: Uint8Array, start: number, textEnd: number): Line {
  if (start >= textEnd) throw broken('the file ends inside the block', textEnd);
  let at = start;
  while (at < textEnd && bytes[at] !== LINE_FEED) at++;
  const next = Math.min(at + 1, textEnd);
  if (at < textEnd && at > start && bytes[at - 1] === CARRIAGE_RETURN) at--;
  return { start, end: at, next };
}

function begins(bytes: Uint8Array, { start, end }: Span, text: readonly number[]): boolean {
  return end - start >= text.length && text.every((byte, i) => bytes[start + i] === byte);
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

function broken(problem: string, byteOffset: number): Error {
  return keyRefused('syntax', problem, { byteOffset });
}

function ascii(text: string): readonly number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
