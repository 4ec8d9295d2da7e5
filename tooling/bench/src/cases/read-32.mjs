import { createSecretKey } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { forEachSubject, forEveryBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'read-32',
  what: 'one byte of a 32-byte secret read through a view, pages open at rest',
  subjects: {
    ...forEveryBackend((backend) => {
      const memory = createAllocator({ backend });
      const secret = memory.randomSync(32);
      let sum = 0;
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) sum += secret.read((bytes) => bytes[0] ?? 0);
          if (Number.isNaN(sum)) throw new Error('a read gave nothing');
        },
        close: () => memory.close(),
      };
    }),
    'key-object': () => {
      const key = createSecretKey(Buffer.alloc(32, 9));
      let sum = 0;
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) sum += key.export()[0] ?? 0;
          if (Number.isNaN(sum)) throw new Error('a read gave nothing');
        },
      };
    },
  },
  targets: forEachSubject((subject) => [{ times: 1.5, name: 'view-open-close', subject }]),
};
