import { forEveryBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'map-unmap',
  what: 'a region of one page mapped, locked and guarded, and given back, by the backend alone',
  subjects: forEveryBackend((backend) => ({
    run(count) {
      for (let n = 0; n < count; n += 1) backend.unmap(backend.map(backend.pageByteLength));
    },
    close: () => backend[Symbol.dispose](),
  })),
  targets: [],
};
