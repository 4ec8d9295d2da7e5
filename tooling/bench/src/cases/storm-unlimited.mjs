import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';
import { inFlight } from '../in-flight.mjs';
import { randomPrivateKey, sign } from '../signing.mjs';

/** Requests in flight: three times as many as 64 KiB have room for. */
const width = 500;
/** What a request holds from one admission: ciphertext, wrapping key, private key, scratch. */
const byteLengths = [92, 32, 32, 64];
const unlimited = 16 * 1024 * 1024;
const digest = new Uint8Array(new ArrayBuffer(32)).fill(0x5a);

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Signing requests, each with its four secrets across a turn of the loop. Nothing is waited for but a place, so that the
 * difference between two limits is what waiting for a place costs.
 * @param {number} lockedByteLengthMax
 * @returns {Record<string, import('../case.d.mts').OpenLoop>}
 */
export function storm(lockedByteLengthMax) {
  return forEachBackend((backend) => {
    const keys = createAllocator({ backend });
    const memory = createAllocator({ backend, budget: { lockedByteLengthMax } });
    const key = randomPrivateKey(keys);
    const request = async () => {
      const secrets = await memory.allocateAll(byteLengths);
      const [, , privateKey = key] = secrets;
      try {
        privateKey.copyFrom(key);
        await turn();
        sign(privateKey, digest);
      } finally {
        for (const secret of secrets) secret.dispose();
      }
    };
    return {
      countUnit: width,
      countMax: 4 * width,
      async run(count) {
        await inFlight(count, width, request);
      },
      close: () => Promise.all([memory.close(), keys.close()]),
    };
  });
}

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'storm-unlimited',
  what: 'a request that signs, four secrets each, 500 in flight, room for all',
  subjects: storm(unlimited),
  targets: [],
};
