import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'seal-open',
  what: 'a secret of 32 bytes sealed and opened again',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend });
    let secret = memory.randomSync(32);
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) {
          const sealed = secret.seal();
          secret = memory.openSync(sealed);
          sealed.dispose();
        }
      },
      close: () => memory.close(),
    };
  }),
  targets: [],
};
