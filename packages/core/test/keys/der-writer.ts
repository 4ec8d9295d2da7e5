/** A value of DER with its tag and length, for tests that write files by hand. */
export function der(tag: number, ...content: readonly (Uint8Array | number[] | string)[]): Buffer {
  const inside = Buffer.concat(
    content.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'hex') : Buffer.from(part),
    ),
  );
  return Buffer.concat([Buffer.from([tag, ...lengthOf(inside.length)]), inside]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const digits = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) digits.unshift(left % 256);
  return [0x80 + digits.length, ...digits];
}

export const sequence = (...content: readonly (Uint8Array | number[] | string)[]): Buffer =>
  der(0x30, ...content);
export const octets = (...content: readonly (Uint8Array | number[] | string)[]): Buffer =>
  der(0x04, ...content);
/** A small or a given number, as it is. */
export const integer = (content: number | Uint8Array | string): Buffer =>
  der(0x02, typeof content === 'number' ? [content] : content);
/** A number above zero that is written as it must be. */
export function positive(bytes: Uint8Array): Buffer {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first++;
  const digits = bytes.subarray(first);
  return integer((digits[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

export const OID = {
  ed25519: der(0x06, '2b6570'),
  x25519: der(0x06, '2b656e'),
  ec: der(0x06, '2a8648ce3d0201'),
  p256: der(0x06, '2a8648ce3d030107'),
  p384: der(0x06, '2b81040022'),
  rsa: der(0x06, '2a864886f70d010101'),
  ed448: der(0x06, '2b6571'),
  pss: der(0x06, '2a864886f70d01010a'),
} as const;
