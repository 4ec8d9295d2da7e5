import { forEachSubject } from '../backends.mjs';
import { inFlight } from '../in-flight.mjs';
import { forEachKeeper } from '../keepers.mjs';

const width = 1000;
const payload = new Uint8Array(new ArrayBuffer(32));

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'keeper-call-1000',
  what: '32 bytes to a keeper and back, 1,000 calls in flight',
  subjects: forEachKeeper((keeper) => ({
    countUnit: width,
    async run(count) {
      await inFlight(count, width, () => keeper.call('echo', payload));
    },
  })),
  targets: forEachSubject(() => [{ times: 1, name: 'fork-advanced-1000', subject: 'node-fork' }]),
};
