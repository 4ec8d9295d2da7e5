// signer.test.mjs
import { createAllocator, hmac } from '@securemem/core';
import { nolockBackend } from '@securemem/nolock';
import { expect, test } from 'vitest'; // Jest has both as globals

test('signs', async () => {
  const memory = createAllocator({ backend: nolockBackend() }); // no lock limit, and nothing native
  const [key, other] = await memory.allocateAll([32, 32]);
  expect(hmac('sha256', key, 'hello')).toHaveLength(32);
  expect(key).not.toEqual(other); // two handles are never deeply equal,
  expect(key.equals(other)).toBe(true); // and this compares the bytes
  await memory.close();
  expect(memory.stats().secrets).toBe(0);
});
