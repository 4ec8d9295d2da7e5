import { within } from './mask.js';

/** Bytes that `textByteLength` hexadecimal digits encode, or undefined where no such text exists. */
export function hexByteLength(textByteLength: number): number | undefined {
  return textByteLength > 0 && textByteLength % 2 === 0 ? textByteLength / 2 : undefined;
}

/**
 * Decodes hexadecimal text (RFC 4648, section 8, both cases) from bytes into bytes. False when a byte is no digit; the
 * target holds nonsense then, and the caller wipes it.
 *
 * Time and memory access depend on the length alone: each digit is computed with masks from comparisons by sign bit. A
 * table would be indexed by the secret and show it through the cache; a branch, through the predictor. A bad digit is
 * only noted, so that how far decoding came does not tell where it stands. The method is that of constant-time encoders
 * such as libsodium's `sodium_hex2bin`. What the compiler of the engine makes of it is beyond us; the operations chosen
 * have no cheaper branching form.
 */
export function decodeHex(text: Uint8Array, target: Uint8Array): boolean {
  let invalid = 0;
  for (let i = 0; i < target.length; i++) {
    const high = digit(text[2 * i] as number);
    const low = digit(text[2 * i + 1] as number);
    invalid |= high | low;
    target[i] = (high << 4) | low;
  }
  return invalid >= 0;
}

/** The value of a hexadecimal digit, 0 to 15; negative for any other byte. */
function digit(byte: number): number {
  const lower = byte | 0x20;
  const decimal = within(byte, 0x30, 0x39);
  const letter = within(lower, 0x61, 0x66);
  return (decimal & (byte - 0x30)) | (letter & (lower - 0x61 + 10)) | ~(decimal | letter);
}
