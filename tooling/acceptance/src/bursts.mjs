import { createAllocator } from '@securemem/core';
import { openBackend } from './backends.mjs';

/**
 * D2: bursts of 4 to 15 requests, 70 % of up to 200 bytes and 30 % of up to 12,000, each held for up to 10 ms. It goes on until all
 * threads together were served `enough`: they count in `total`, first what was served, then those who are there.
 * @param {{ backendName: string, total: Int32Array, threads: number, enough: number }} options
 */
export async function bursts({ backendName, total, threads, enough }) {
  const memory = createAllocator({
    backend: openBackend(backendName),
    admission: { waitMsMax: 20_000 },
  });
  const upTo = (/** @type {number} */ most) => 1 + Math.floor(Math.random() * most);
  /** @type {string[]} */
  const failures = [];
  let served = 0;
  const request = async () => {
    try {
      const secret = await memory.allocate(Math.random() < 0.7 ? upTo(200) : upTo(12_000));
      served++;
      Atomics.add(total, 0, 1);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      secret.dispose();
    } catch (error) {
      failures.push(/** @type {NodeJS.ErrnoException} */ (error).code ?? String(error));
    }
  };
  // Nobody begins before the last one is there.
  Atomics.add(total, 1, 1);
  while (Atomics.load(total, 1) < threads) await new Promise((resolve) => setTimeout(resolve, 1));
  while (Atomics.load(total, 0) < enough) {
    await Promise.all(Array.from({ length: 3 + upTo(12) }, request));
  }
  await memory.close();
  return { served, failures };
}
