import { inFlight } from '../in-flight.mjs';
import { forEachKeeper } from '../keepers.mjs';

const width = 64;

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'keeper-work-64',
  what: '300 microseconds of work in a keeper, 64 calls in flight',
  subjects: forEachKeeper((keeper) => ({
    countUnit: width,
    async run(count) {
      await inFlight(count, width, () => keeper.call('work'));
    },
  })),
  targets: [],
};
