import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';
import { width } from '../thousand.mjs';

const byteLengths = Array.from({ length: width }, () => 32);

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'allocate-all-1000',
  what: 'the same in one request of 1,000, which gets all of them or none',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend });
    return {
      countUnit: width,
      run(count) {
        for (let n = 0; n < count; n += width) {
          for (const secret of memory.allocateAllSync(byteLengths)) secret.dispose();
        }
      },
      close: () => memory.close(),
    };
  }),
  targets: [],
};
