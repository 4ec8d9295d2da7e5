import { expectEqual } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

export const fork: readonly Requirement[] = [
  {
    id: 'fork-child',
    group: 'fork',
    sentence: 'a forked child finds on every page of a region what forkBehaviour says',
    contract: 'ForkBehaviour',
    about: 'forkBehaviour',
    run: async ({ evidence, capabilities }) => {
      for (const [index, found] of (await evidence.forkedView()).entries()) {
        const what = `what a forked child finds on page ${index + 1} of those it looked at`;
        expectEqual(found, capabilities.forkBehaviour, what);
      }
    },
  },
  {
    id: 'fork-flag',
    group: 'fork',
    sentence:
      'the system has every region marked for children as forkBehaviour says, after protect too',
    contract: 'BackendCapabilities.forkBehaviour',
    about: 'forkBehaviour',
    run: async (context) => {
      const { backend, evidence, capabilities } = context;
      const { region, place } = await context.mapPlaced(context.manyPages);
      const { forkBehaviour } = place.untouched;
      expectEqual(forkBehaviour, capabilities.forkBehaviour, 'the mark of an untouched region');
      for (const level of [...levelsOf(capabilities), 'read-write'] as const) {
        backend.protect(region, level);
        const facts = await evidence.facts(place);
        const what = `the mark of a ${level} region`;
        expectEqual(facts.forkBehaviour, capabilities.forkBehaviour, what);
      }
    },
  },
];
