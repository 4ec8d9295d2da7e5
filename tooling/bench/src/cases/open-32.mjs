import { createCipheriv, createDecipheriv } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'open-32',
  what: 'a sealed secret of 32 bytes opened into locked memory and disposed',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      const sealed = memory.randomSync(32).seal();
      return {
        async run(count) {
          for (let n = 0; n < count; n += 1) (await memory.open(sealed)).dispose();
        },
        close: () => memory.close(),
      };
    }),
    'node-crypto': () => {
      const key = Buffer.alloc(32, 1);
      const nonce = Buffer.alloc(12, 3);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const ciphertext = Buffer.concat([cipher.update(Buffer.alloc(32, 2)), cipher.final()]);
      const tag = cipher.getAuthTag();
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag);
            decipher.update(ciphertext);
            decipher.final();
          }
        },
      };
    },
  },
  targets: [],
};
