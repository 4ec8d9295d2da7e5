/**
 * Takes the memory away from a view, as a caller may, and returns what shows it now. Node 20 has no
 * `ArrayBuffer.prototype.transfer`; there a byte stream does the same to every kind of buffer.
 */
export async function transferAway(bytes: Uint8Array): Promise<ArrayBuffer> {
  const buffer = bytes.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  if (typeof buffer.transfer === 'function') return buffer.transfer();
  const stream = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
    },
  });
  const { value } = await stream.getReader().read();
  return (value as Uint8Array<ArrayBuffer>).buffer;
}
