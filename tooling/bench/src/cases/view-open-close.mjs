import { forEveryBackend } from '../backends.mjs';
import { bareAddon } from '../bare-addon.mjs';

const name = 'view-open-close';

/** @type {import('../case.d.mts').Case} */
export default {
  name,
  what: 'a view of 32 bytes opened and closed, by the backend alone',
  subjects: {
    ...forEveryBackend((backend) => {
      const region = backend.map(backend.pageByteLength);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) backend.openView(region, 0, 32).close();
        },
        close: () => backend[Symbol.dispose](),
      };
    }),
    'create-and-detach': () => {
      const { createAndDetach } = bareAddon();
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) createAndDetach();
        },
      };
    },
  },
  targets: [
    { subject: 'securemem-napi', atMost: [{ times: 1.2, name, subject: 'create-and-detach' }] },
  ],
};
