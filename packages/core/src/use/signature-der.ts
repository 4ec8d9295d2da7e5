/** A signature of ECDSA as a sequence of two integers in DER, from r and s of the same width side by side. */
export function derOfSignature(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const width = signature.length / 2;
  const numbers = [signature.subarray(0, width), signature.subarray(width)].map(derOfInteger);
  const content = numbers.flat();
  return Uint8Array.from(tagged(0x30, content));
}

/** Without leading zeros, but for the one that keeps a high bit from being a sign. */
function derOfInteger(number: Uint8Array): number[] {
  const start = Math.max(
    0,
    Math.min(
      number.findIndex((byte) => byte !== 0),
      number.length - 1,
    ),
  );
  const bytes = [...number.subarray(start)];
  return tagged(0x02, (bytes[0] as number) < 0x80 ? bytes : [0, ...bytes]);
}

/** Content of 255 bytes at most: a signature of P-521 has 139. */
function tagged(tag: number, content: readonly number[]): number[] {
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return [tag, ...length, ...content];
}
