import { createAllocator } from '@securemem/core';
import { forEachSubject, forEveryBackend } from '../backends.mjs';
import { sodiumAccess } from '../sodium-access.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'read-32-no-access',
  what: 'the same with pages closed at rest, each read in a turn of its own',
  subjects: {
    ...forEveryBackend((backend) => {
      const memory = createAllocator({ backend, atRest: 'no-access' });
      const secret = memory.randomSync(32);
      let sum = 0;
      return {
        // Pages close once per turn of microtasks: without a turn between two reads the loop would toggle only once.
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
    'sodium-native': sodiumAccess('read', 'no-access'),
  },
  targets: forEachSubject((subject) => [
    { times: 1, name: 'read-32', subject },
    { times: 1.3, name: 'protect-pair', subject },
  ]),
};
