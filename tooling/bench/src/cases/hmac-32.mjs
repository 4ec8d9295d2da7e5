import { createHmac, createSecretKey } from 'node:crypto';
import { createAllocator, hmac } from '@securemem/core';
import { forEachBackend, forEachSubject } from '../backends.mjs';

const name = 'hmac-32';
const body = Buffer.alloc(32, 7);

/** @type {import('../case.d.mts').Case} */
export default {
  name,
  what: 'HMAC-SHA-256 of 32 bytes under a 32-byte key',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      const key = memory.randomSync(32);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) hmac('sha256', key, body);
        },
        close: () => memory.close(),
      };
    }),
    'node-crypto': () => {
      const key = Buffer.alloc(32, 9);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) createHmac('sha256', key).update(body).digest();
        },
      };
    },
    'key-object': () => {
      const key = createSecretKey(Buffer.alloc(32, 9));
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) createHmac('sha256', key).update(body).digest();
        },
      };
    },
  },
  targets: forEachSubject(() => [{ times: 1.5, name, subject: 'node-crypto' }]),
};
