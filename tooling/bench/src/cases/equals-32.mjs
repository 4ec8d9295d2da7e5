import { createSecretKey, timingSafeEqual } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { forEachBackend, forEachSubject } from '../backends.mjs';

const name = 'equals-32';

/** @type {import('../case.d.mts').Case} */
export default {
  name,
  what: 'two equal secrets of 32 bytes compared in constant time',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      const [left, right] = memory.allocateAllSync([32, 32]);
      if (left === undefined || right === undefined) throw new Error('two secrets were asked for');
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            if (!left.equals(right)) throw new Error('equal secrets compare as different');
          }
        },
        close: () => memory.close(),
      };
    }),
    'node-crypto': () => {
      const left = Buffer.alloc(32, 5);
      const right = Buffer.alloc(32, 5);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            if (!timingSafeEqual(left, right)) throw new Error('equal bytes compare as different');
          }
        },
      };
    },
    'key-object': () => {
      const left = createSecretKey(Buffer.alloc(32, 5));
      const right = createSecretKey(Buffer.alloc(32, 5));
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            if (!left.equals(right)) throw new Error('equal keys compare as different');
          }
        },
      };
    },
    'sodium-native': async () => {
      const { default: sodium } = await import('sodium-native');
      const left = sodium.sodium_malloc(32).fill(5);
      const right = sodium.sodium_malloc(32).fill(5);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            if (!sodium.sodium_memcmp(left, right)) throw new Error('equal bytes differ');
          }
        },
      };
    },
  },
  targets: forEachSubject(() => [{ times: 2, name, subject: 'node-crypto' }]),
};
