import { createAllocator } from '@securemem/core';
import { forEachBackend, forEachSubject } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'cold-open',
  what: 'a sealed secret of 32 bytes opened, one byte of it read, and disposed',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend });
    const sealed = memory.randomSync(32).seal();
    let sum = 0;
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) {
          const secret = memory.openSync(sealed);
          sum += secret.read((bytes) => bytes[0] ?? 0);
          secret.dispose();
        }
        if (Number.isNaN(sum)) throw new Error('a read gave nothing');
      },
      close: () => memory.close(),
    };
  }),
  // The key's page is opened and closed, the bytes are decrypted, and a view is opened and closed.
  targets: forEachSubject((subject) => [
    { times: 1.5, name: 'protect-pair', subject },
    { times: 1.5, name: 'unseal-32', subject },
    { times: 1.5, name: 'view-open-close', subject },
  ]),
};
