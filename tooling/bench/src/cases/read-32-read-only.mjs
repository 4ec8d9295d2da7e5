import { createAllocator } from '@securemem/core';
import { forEveryBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'read-32-read-only',
  what: 'the same with pages read-only at rest, each read in a turn of its own',
  subjects: {
    ...forEveryBackend((backend) => {
      const memory = createAllocator({ backend, atRest: 'read-only' });
      const secret = memory.randomSync(32);
      let sum = 0;
      return {
        // A read changes no protection here; the turn is there so that the modes differ in nothing else.
        async run(count) {
          for (let n = 0; n < count; n += 1) {
            sum += secret.read((bytes) => bytes[0] ?? 0);
            await undefined;
          }
          if (Number.isNaN(sum)) throw new Error('a read gave nothing');
        },
        close: () => memory.close(),
      };
    }),
  },
  targets: [],
};
