import { createAllocator } from '@securemem/core';
import { forEachBackend, forEachSubject } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'cold-use',
  what: 'a secret of a store that is not open: opened, one byte read, closed, in a turn of its own',
  subjects: forEachBackend((backend) => {
    const memory = createAllocator({ backend });
    const store = memory.store({ hotMax: 0 });
    store.setSync('name', new Uint8Array(new ArrayBuffer(32)));
    let sum = 0;
    return {
      async run(count) {
        for (let n = 0; n < count; n += 1) {
          sum += await store.use('name', (secret) => secret.read((bytes) => bytes[0] ?? 0));
        }
        if (Number.isNaN(sum)) throw new Error('a read gave nothing');
      },
      close: () => memory.close(),
    };
  }),
  targets: forEachSubject((subject) => [
    { times: 1.5, name: 'protect-pair', subject },
    { times: 1.5, name: 'unseal-32', subject },
    { times: 1.5, name: 'view-open-close', subject },
  ]),
};
