import { TAG } from './der.js';
import { lengthOf, type RsaNumbers, type Span } from './found-key.js';
import { RSA_BITS_MAX, RSA_ROOM_BYTE_LENGTH } from './rsa-check.js';

/** Most of a tag and a length. */
const HEAD_BYTE_LENGTH_MAX = 5;
/** Of the longest key: nine numbers, that is 2 moduli, 5 halves and what is short, each with its head and a sign. */
export const RSA_DER_BYTE_LENGTH_MAX =
  10 * (HEAD_BYTE_LENGTH_MAX + 2) + 9 + (9 * RSA_BITS_MAX) / 16;
/** Room for the check and for the result. */
export const RSA_WORK_BYTE_LENGTH = RSA_ROOM_BYTE_LENGTH + RSA_DER_BYTE_LENGTH_MAX;

/** Writes RSAPrivateKey of PKCS#1 in DER to `at`, and says how far it reaches. All numbers have been checked. */
export function writeRsa(
  bytes: Uint8Array,
  numbers: RsaNumbers & { readonly crt: { readonly dp: Span; readonly dq: Span } },
  at: number,
): Span {
  const { n, e, d, p, q, qi, crt } = numbers;
  const integers = [n, e, d, p, q, crt.dp, crt.dq, qi].map((span) => integerOf(bytes, span));
  const version = 3;
  const length = integers.reduce((sum, each) => sum + each.whole, version);
  let end = head(bytes, at, TAG.sequence, length);
  end = head(bytes, end, TAG.integer, 1);
  bytes[end++] = 0;
  for (const { span, content } of integers) {
    end = head(bytes, end, TAG.integer, content);
    if (content > lengthOf(span)) bytes[end++] = 0;
    bytes.copyWithin(end, span.start, span.end);
    end += lengthOf(span);
  }
  return { start: at, end };
}

/** A number as an integer of DER: without leading zeros, and with one where it would be negative. */
function integerOf(bytes: Uint8Array, { start, end }: Span) {
  let first = start;
  while (first < end - 1 && bytes[first] === 0) first++;
  const sign = (bytes[first] as number) >= 0x80 ? 1 : 0;
  const content = end - first + sign;
  return { span: { start: first, end }, content, whole: headByteLength(content) + content };
}

function head(bytes: Uint8Array, at: number, tag: number, length: number): number {
  const end = at + headByteLength(length);
  bytes[at] = tag;
  if (length < 0x80) bytes[at + 1] = length;
  else {
    bytes[at + 1] = 0x80 + end - at - 2;
    for (let i = end - 1, left = length; i > at + 1; i--, left >>= 8) bytes[i] = left & 0xff;
  }
  return end;
}

function headByteLength(length: number): number {
  if (length < 0x80) return 2;
  return length < 0x100 ? 3 : 4;
}
