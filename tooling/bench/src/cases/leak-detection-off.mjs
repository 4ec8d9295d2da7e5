import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'leak-detection-off',
  what: '32 bytes allocated and disposed, no leak detection',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend, leakDetection: 'off' });
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) memory.allocateSync(32).dispose();
      },
      close: () => memory.close(),
    };
  }),
  targets: [],
};
