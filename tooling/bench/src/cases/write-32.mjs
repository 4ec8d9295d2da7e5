import { createAllocator } from '@securemem/core';
import { forEveryBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'write-32',
  what: 'one byte of a 32-byte secret written through a view, pages open at rest',
  subjects: {
    ...forEveryBackend((backend) => {
      const memory = createAllocator({ backend, atRest: 'accessible' });
      const secret = memory.randomSync(32);
      const store = (/** @type {Uint8Array} */ bytes) => {
        bytes[0] = 1;
      };
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) secret.write(store);
        },
        close: () => memory.close(),
      };
    }),
  },
  targets: [],
};
