import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { poll } from '../../recipes/many-credentials.mjs';

// Five thousand users; how many are asked at the same time is counted, and nobody waits for a clock.
const memory = createAllocator({ backend: koffiBackend() });
const store = memory.store();
for (let i = 0; i < 5_000; i++)
  await store.set(`user-${i}`, new Uint8Array(new ArrayBuffer(40)).fill(i));
let [asked, now, most] = [0, 0, 0];
await poll(store, async (_, mac) => {
  if (mac.length !== 64) throw new Error('no MAC');
  now += 1;
  most = Math.max(most, now);
  await new Promise((resolve) => setImmediate(resolve));
  now -= 1;
  asked += 1;
});
if (store.stats().entries !== 5_000) throw new Error('credentials were lost');
console.log(`${asked} asked, ${most} at once`);
store.dispose();
await memory.close();
