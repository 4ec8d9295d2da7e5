import { createAllocator } from '@securemem/core';
import { forEveryBackend } from '../backends.mjs';
import { sodiumAccess } from '../sodium-access.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'write-32-no-access',
  what: 'the same with pages closed at rest, each write in a turn of its own',
  subjects: {
    ...forEveryBackend((backend) => {
      const memory = createAllocator({ backend, atRest: 'no-access' });
      const secret = memory.randomSync(32);
      const store = (/** @type {Uint8Array} */ bytes) => {
        bytes[0] = 1;
      };
      return {
        // Pages close once per turn of microtasks: without a turn between two writes the loop would toggle only once.
        async run(count) {
          for (let n = 0; n < count; n += 1) {
            secret.write(store);
            await undefined;
          }
        },
        close: () => memory.close(),
      };
    }),
    'sodium-native': sodiumAccess('write', 'no-access'),
  },
  targets: [],
};
