import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { zero } from '@securemem/core/contract';
import { openSecretFile } from '../signing/secret-file.js';
import { Problem } from './problem.js';

const BYTE_LENGTH_MIN = 32;
const BYTE_LENGTH_MAX = 256;
const TOKENS_MAX = 16;
const FILE_BYTE_LENGTH_MAX = TOKENS_MAX * (BYTE_LENGTH_MAX + 2);
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The bearer tokens of a file, one on each line: two of them for as long as one replaces the other. The file is read again
 * when it changes. Only SHA-256 hashes are kept, which tell nothing about a token that was chosen at random; what arrives
 * in a header is a JavaScript string, as every header is, so a token is a password to this service and to nothing else.
 */
export class TokenFile {
  readonly #path: string;
  readonly #onChange: (text: string) => void;
  #version = '';
  #digests: readonly Buffer[] = [];
  #fault: string | undefined;

  /** Throws an Error or VaultError that names the file's fault. `onChange` is told in words what became of a new one. */
  constructor(path: string, onChange: (text: string) => void = () => {}) {
    this.#path = path;
    this.#onChange = onChange;
    this.#read();
  }

  /**
   * Who offers a token that is in the file: the first 8 digits of its hash. Takes as long for a wrong one as for a right
   * one. Throws a Problem while the file cannot be used: then nobody is let in.
   */
  who(header: string | undefined): string | undefined {
    this.#refresh();
    if (this.#fault !== undefined) throw new Problem(503, 'no-tokens', this.#fault);
    const offered = /^Bearer ([\x21-\x7e]{1,256})$/.exec(header ?? '')?.[1] ?? '';
    const digest = digestOf(Buffer.from(offered, 'latin1'));
    let who: string | undefined;
    for (const known of this.#digests) {
      if (timingSafeEqual(digest, known)) who = `token:${known.toString('hex', 0, 4)}`;
    }
    return who;
  }

  #refresh(): void {
    const version = versionOf(this.#path);
    if (version === this.#version) return;
    try {
      this.#read();
      this.#fault = undefined;
      this.#onChange(`The file of tokens was read again: ${this.#digests.length} in it.`);
    } catch (error) {
      this.#version = version;
      this.#digests = [];
      this.#fault = 'the file of tokens cannot be used: see the log';
      this.#onChange(`The file of tokens cannot be used: ${(error as Error).message}.`);
    }
  }

  #read(): void {
    const fd = openSecretFile(this.#path, 'the file of tokens');
    const bytes = new Uint8Array(new ArrayBuffer(FILE_BYTE_LENGTH_MAX + 1));
    try {
      this.#version = versionOf(fd);
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      if (length > FILE_BYTE_LENGTH_MAX) throw new Error(`it is longer than ${TOKENS_MAX} tokens`);
      this.#digests = linesOf(bytes.subarray(0, length)).map(digestOf);
    } finally {
      closeSync(fd);
      zero(bytes);
    }
  }
}

/** Views, not copies. Throws an Error unless there is a token on every line. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(at, bytes[end - 1] === RETURN ? end - 1 : end);
    if (line.length > 0) lines.push(line);
    at = end + 1;
  }
  const good = lines.every(({ length }) => length >= BYTE_LENGTH_MIN && length <= BYTE_LENGTH_MAX);
  if (lines.length > 0 && good) return lines;
  throw new Error(
    `a token must be ${BYTE_LENGTH_MIN} to ${BYTE_LENGTH_MAX} bytes, one on each line`,
  );
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Differs when the file was replaced or written to. Empty when there is none. */
function versionOf(file: string | number): string {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  const found = typeof file === 'number' ? fstatSync(file, options) : stat(file);
  return found === undefined
    ? ''
    : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function stat(path: string) {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
