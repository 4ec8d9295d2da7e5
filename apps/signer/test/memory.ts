import { createAllocator, type MemoryBackend } from '@securemem/core';
import { nolockBackend } from '@securemem/nolock';
import { afterEach } from 'vitest';

/** An allocator that needs no lock limit where no backend is given, closed after each test. What is tested with it is not the memory. */
export function testMemory(backend: MemoryBackend = nolockBackend()) {
  const memory = createAllocator({ backend, exitHooks: false });
  opened.push(memory);
  return memory;
}

const opened: ReturnType<typeof createAllocator>[] = [];
afterEach(async () => {
  for (const memory of opened.splice(0)) await memory.close();
});

/** Bytes off V8's moving heap, from hexadecimal. */
export function fromHex(hex: string): Uint8Array {
  const text = hex.replace(/^0x/, '');
  const bytes = new Uint8Array(new ArrayBuffer(text.length / 2));
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}
