import { expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { levelsOf } from './protection.js';

export const fork: readonly Requirement[] = [
  {
    id: 'fork-child',
    group: 'fork',
    sentence: 'a forked child finds where a region was what forkBehaviour says',
    contract: 'ForkBehaviour',
    about: 'forkBehaviour',
    run: async ({ evidence, capabilities }) => {
      expectEqual(
        await evidence.forkedView(),
        capabilities.forkBehaviour,
        'what a forked child finds',
      );
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
      const { region, place } = await context.mapPlaced(2);
      for (const level of [...levelsOf(capabilities), 'read-write'] as const) {
        const facts = await evidence.facts(place);
        expectEqual(facts.forkBehaviour, capabilities.forkBehaviour, 'the mark of the region');
        backend.protect(region, level);
      }
    },
  },
];
