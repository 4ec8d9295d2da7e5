import { forEachSubject } from '../backends.mjs';
import { forEachKeeper } from '../keepers.mjs';

const payload = new Uint8Array(new ArrayBuffer(32));

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'keeper-call',
  what: '32 bytes to a keeper and back, one call at a time',
  subjects: forEachKeeper((keeper) => ({
    async run(count) {
      for (let n = 0; n < count; n += 1) await keeper.call('echo', payload);
    },
  })),
  targets: forEachSubject(() => [{ times: 1, name: 'fork-advanced', subject: 'node-fork' }]),
};
