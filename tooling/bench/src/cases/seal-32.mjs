import { createCipheriv, randomFillSync } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'seal-32',
  what: '32 bytes allocated, sealed into ordinary memory and dropped (AES-256-GCM)',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) memory.allocateSync(32).seal().dispose();
        },
        close: () => memory.close(),
      };
    }),
    'node-crypto': () => {
      const key = Buffer.alloc(32, 1);
      const nonce = Buffer.alloc(12);
      const plaintext = Buffer.alloc(32, 2);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            const cipher = createCipheriv('aes-256-gcm', key, randomFillSync(nonce));
            cipher.update(plaintext);
            cipher.final();
            cipher.getAuthTag();
          }
        },
      };
    },
  },
  targets: [],
};
