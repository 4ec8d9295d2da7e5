import { forEveryBackend } from '../backends.mjs';
import { bareAddon } from '../bare-addon.mjs';

const name = 'protect-pair';

/** @type {import('../case.d.mts').Case} */
export default {
  name,
  what: 'a region of one page closed and opened again, by the backend alone',
  subjects: {
    ...forEveryBackend((backend) => {
      const region = backend.map(backend.pageByteLength);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            backend.protect(region, 'no-access');
            backend.protect(region, 'read-write');
          }
        },
        close: () => backend[Symbol.dispose](),
      };
    }),
    syscalls: () => {
      const { protectPair } = bareAddon();
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) protectPair();
        },
      };
    },
  },
  targets: [{ subject: 'securemem-napi', atMost: [{ times: 1.2, name, subject: 'syscalls' }] }],
};
