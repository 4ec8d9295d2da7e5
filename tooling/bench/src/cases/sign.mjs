import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';
import { randomPrivateKey, sign } from '../signing.mjs';

const digest = new Uint8Array(new ArrayBuffer(32)).fill(0x5a);

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'sign',
  what: 'a digest signed by libsecp256k1 in this process, the key read through a view',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend });
    const key = randomPrivateKey(memory);
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) sign(key, digest);
      },
      close: () => memory.close(),
    };
  }),
  targets: [],
};
