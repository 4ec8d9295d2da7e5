import { forEveryBackend } from '../backends.mjs';
import { bareAddon } from '../bare-addon.mjs';

const name = 'protect-pair';

/** @type {import('../case.d.mts').Case} */
export default {
  name,
  what: 'a region of one page closed, opened again and touched, by the backend alone',
  subjects: {
    ...forEveryBackend((backend) => {
      const region = backend.map(backend.pageByteLength);
      const { bytes } = backend.openView(region, 0, backend.pageByteLength);
      let sum = 0;
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            backend.protect(region, 'no-access');
            backend.protect(region, 'read-write');
            // What is not touched in between has nothing that the processor must forget, and costs half of it here.
            sum += bytes[0] ?? 0;
          }
          if (Number.isNaN(sum)) throw new Error('a touch gave nothing');
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
