/** Bytes of standard error that are kept: enough for V8's last words and a stack. */
export const STDERR_TAIL_BYTE_LENGTH = 4_096;

/** The end of what the keeper wrote to its standard error; older bytes are dropped. */
export class StderrTail {
  #pieces: Uint8Array[] = [];
  #byteLength = 0;

  add(piece: Uint8Array): void {
    this.#pieces.push(piece.subarray(Math.max(0, piece.length - STDERR_TAIL_BYTE_LENGTH)));
    this.#byteLength += this.#pieces[this.#pieces.length - 1]?.length ?? 0;
    while (this.#byteLength > 4 * STDERR_TAIL_BYTE_LENGTH) {
      this.#byteLength -= this.#pieces.shift()?.length ?? 0;
    }
  }

  /** At most 4,096 bytes, as text. */
  toString(): string {
    return Buffer.concat(this.#pieces).subarray(-STDERR_TAIL_BYTE_LENGTH).toString('utf8');
  }
}
