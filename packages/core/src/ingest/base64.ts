import { within } from './mask.js';

/** The two alphabets of RFC 4648: section 4, and section 5 with `-` and `_`. */
export type Base64Alphabet = 'base64' | 'base64url';

/** How long the text is without its padding, and what it decodes to. */
export interface Base64Shape {
  readonly digits: number;
  readonly byteLength: number;
}

const PAD = 0x3d;

/**
 * The shape of a text, or undefined where no such text exists. Padding may be left away; where it is there it must be
 * whole. It tells the length alone, which is no secret.
 */
export function base64Shape(text: Uint8Array): Base64Shape | undefined {
  const { length } = text;
  const padding = text[length - 1] !== PAD ? 0 : text[length - 2] !== PAD ? 1 : 2;
  const digits = length - padding;
  const rest = digits % 4;
  if (digits === 0 || rest === 1 || (padding > 0 && length % 4 !== 0)) return undefined;
  return { digits, byteLength: Math.floor((digits * 6) / 8) };
}

/**
 * Decodes base64 from bytes into bytes. False when a byte is not of the alphabet, or when the last digit has bits that
 * belong to no byte (such text is not what any encoder wrote; RFC 4648, section 3.5); the target holds nonsense then, and
 * the caller wipes it.
 *
 * As in `hex.ts`: no table and no branch on what is decoded. Positions and lengths are public, and the loop may branch on
 * those.
 */
export function decodeBase64(
  text: Uint8Array,
  shape: Base64Shape,
  alphabet: Base64Alphabet,
  target: Uint8Array,
): boolean {
  const digit = alphabet === 'base64' ? standardDigit : urlDigit;
  let invalid = 0;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < shape.digits; i++) {
    const value = digit(text[i] as number);
    invalid |= value;
    bits = ((bits << 6) | (value & 0x3f)) & 0xfff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      target[at++] = bits >> held;
    }
  }
  const left = bits & ((1 << held) - 1);
  // Negative where bits are left over, as an invalid digit is.
  return (invalid | -left) >= 0;
}

/** The value of a digit, 0 to 63; negative for any other byte. */
function standardDigit(byte: number): number {
  return letterOrDecimal(byte, equals(byte, 0x2b), equals(byte, 0x2f));
}

function urlDigit(byte: number): number {
  return letterOrDecimal(byte, equals(byte, 0x2d), equals(byte, 0x5f));
}

function letterOrDecimal(byte: number, is62: number, is63: number): number {
  const upper = within(byte, 0x41, 0x5a);
  const lower = within(byte, 0x61, 0x7a);
  const decimal = within(byte, 0x30, 0x39);
  const value =
    (upper & (byte - 0x41)) |
    (lower & (byte - 0x61 + 26)) |
    (decimal & (byte - 0x30 + 52)) |
    (is62 & 62) |
    (is63 & 63);
  return value | ~(upper | lower | decimal | is62 | is63);
}

/** All ones when equal, else 0. */
function equals(byte: number, other: number): number {
  return within(byte, other, other);
}
