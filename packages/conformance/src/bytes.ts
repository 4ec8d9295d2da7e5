/** Scratch off the moving heap of the engine, where arrays of 64 bytes or less would leave copies. */
export function scratch(byteLength: number, value = 0): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(byteLength)).fill(value);
}

/** Bytes that differ from their neighbours and from the same place in another pattern; never zero. */
export function pattern(byteLength: number, salt: number): Uint8Array<ArrayBuffer> {
  const bytes = scratch(byteLength);
  for (let index = 0; index < byteLength; index += 1)
    bytes[index] = 1 + ((index * 7 + salt * 31) % 255);
  return bytes;
}
