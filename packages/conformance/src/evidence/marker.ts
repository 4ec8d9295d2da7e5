import { randomBytes } from 'node:crypto';
import { zero } from '@securemem/core/contract';

const BYTE_LENGTH = 32;

const turned = (bytes: Buffer) => Buffer.from([...bytes].reverse());

/**
 * Random bytes that exist only where they are written. What is kept are two halves, each meaningless; the marker is their
 * exclusive or. A search for it therefore never finds the one who searches.
 */
export class Marker {
  readonly byteLength = BYTE_LENGTH;
  readonly #masked: Buffer;
  readonly #mask: Buffer;

  constructor(masked = randomBytes(BYTE_LENGTH), mask = randomBytes(BYTE_LENGTH)) {
    this.#masked = masked;
    this.#mask = mask;
  }

  /** The same bytes from the last to the first: how libraries of big numbers keep them. */
  reversed(): Marker {
    return new Marker(turned(this.#masked), turned(this.#mask));
  }

  /** Hands over the bytes for the duration of the call; the scratch they stand in is wiped. */
  lend(use: (bytes: Uint8Array) => void): void {
    // Off the moving heap of the engine, which would leave copies behind.
    const scratch = new Uint8Array(new ArrayBuffer(BYTE_LENGTH));
    try {
      for (let index = 0; index < BYTE_LENGTH; index += 1) {
        scratch[index] = (this.#masked[index] as number) ^ (this.#mask[index] as number);
      }
      use(scratch);
    } finally {
      zero(scratch);
    }
  }

  /** Whether these bytes are the marker. */
  matches(bytes: Uint8Array): boolean {
    if (bytes.length !== BYTE_LENGTH) return false;
    return bytes.every(
      (byte, index) => byte === ((this.#masked[index] as number) ^ (this.#mask[index] as number)),
    );
  }

  /** The two halves in hexadecimal, for another process. */
  toJSON(): { readonly masked: string; readonly mask: string } {
    return { masked: this.#masked.toString('hex'), mask: this.#mask.toString('hex') };
  }
}

/**
 * The same as text, which a variable of the environment can hold. Whoever asks for the text has a string of it: it is for a
 * process other than the one that is searched.
 */
export class TextMarker {
  readonly #text = Buffer.from(randomBytes(BYTE_LENGTH).toString('hex'));
  readonly #mask = randomBytes(2 * BYTE_LENGTH);

  text(): string {
    return this.#text.toString('latin1');
  }

  /** As `Marker.toJSON`. */
  toJSON(): { readonly masked: string; readonly mask: string } {
    const masked = this.#text.map((byte, index) => byte ^ (this.#mask[index] as number));
    return { masked: Buffer.from(masked).toString('hex'), mask: this.#mask.toString('hex') };
  }
}
