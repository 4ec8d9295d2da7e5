import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const BYTE_LENGTH_MIN = 32;
const BYTE_LENGTH_MAX = 256;

/**
 * The bearer token. Only its SHA-256 is kept, which tells nothing about a token that was chosen at random; what arrives in
 * a header is a JavaScript string, as every header is, so the token is a password to this service and to nothing else.
 */
export class Token {
  readonly #digest: Buffer;

  private constructor(digest: Buffer) {
    this.#digest = digest;
  }

  /** Reads a token of 32 to 256 bytes, without a newline at its end. Throws an Error that names the file's fault. */
  static fromFile(path: string): Token {
    const bytes = new Uint8Array(new ArrayBuffer(BYTE_LENGTH_MAX + 2));
    const fd = openSync(path, 'r');
    try {
      let length = readSync(fd, bytes, 0, bytes.length, 0);
      while (length > 0 && (bytes[length - 1] === 0x0a || bytes[length - 1] === 0x0d)) length--;
      if (length < BYTE_LENGTH_MIN || length > BYTE_LENGTH_MAX) {
        throw new Error(
          `the token in ${path} must be ${BYTE_LENGTH_MIN} to ${BYTE_LENGTH_MAX} bytes`,
        );
      }
      return new Token(digest(bytes.subarray(0, length)));
    } finally {
      closeSync(fd);
      bytes.fill(0);
    }
  }

  /** Whether an `Authorization` header carries it. Takes as long for a wrong one as for the right one. */
  accepts(header: string | undefined): boolean {
    const offered = /^Bearer ([\x21-\x7e]{1,256})$/.exec(header ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(Buffer.from(offered, 'latin1')), this.#digest);
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
