import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';
import { held, peers } from '../thousand.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'allocate-1000',
  what: '32 bytes allocated and disposed, 1,000 of them live at the same time, one after another',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      return {
        ...held(
          () => memory.allocateSync(32),
          (secret) => secret.dispose(),
        ),
        close: () => memory.close(),
      };
    }),
    ...peers,
  },
  targets: [],
};
