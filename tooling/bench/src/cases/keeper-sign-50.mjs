import { forEachSubject } from '../backends.mjs';
import { inFlight } from '../in-flight.mjs';
import { forEachKeeper } from '../keepers.mjs';

const width = 50;
const digest = new Uint8Array(new ArrayBuffer(32)).fill(0x5a);

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'keeper-sign-50',
  what: 'the same through a keeper, 50 concurrent callers',
  subjects: forEachKeeper((keeper) => ({
    countUnit: width,
    async run(count) {
      await inFlight(count, width, () => keeper.call('sign', digest));
    },
  })),
  // At least 0.8 of the rate in the process itself.
  targets: forEachSubject((subject) => [{ times: 1 / 0.8, name: 'sign', subject }]),
};
