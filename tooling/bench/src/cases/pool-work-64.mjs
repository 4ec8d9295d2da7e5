import { forEachSubject } from '../backends.mjs';
import { inFlight } from '../in-flight.mjs';
import { forEachPool } from '../keepers.mjs';

const width = 64;

/** Means something on two processors that nobody else wants. @type {import('../case.d.mts').Case} */
export default {
  name: 'pool-work-64',
  what: 'the same in a pool of two',
  subjects: forEachPool(2, (pool) => ({
    countUnit: width,
    async run(count) {
      await inFlight(count, width, () => pool.call('work'));
    },
  })),
  targets: forEachSubject((subject) => [{ times: 1 / 1.7, name: 'keeper-work-64', subject }]),
};
