import type { BackendCapabilities, RegionFacts } from '@securemem/core/contract';
import type { Context } from '../context.js';
import { expect, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { levelsOf } from './protection.js';

/** Whether the backend claims anything that the system could be asked about. */
function claimsAnything(capabilities: BackendCapabilities): boolean {
  const { locking, guardPages, dumpExclusion, protection } = capabilities;
  return locking === 'locked' || guardPages || dumpExclusion || protection !== 'none';
}

function expectAnswer(
  context: Context,
  facts: RegionFacts | 'unknown' | undefined,
): facts is RegionFacts {
  expect(facts !== undefined, 'inspect gave no answer for a region');
  if (facts !== 'unknown') return true;
  expect(
    !claimsAnything(context.capabilities),
    'inspect is unknown, and there are claims to check',
  );
  return false;
}

export const inspection: readonly Requirement[] = [
  {
    id: 'inspect-true',
    group: 'inspection',
    sentence: 'inspect answers for each region, in the order given, what the system says of it',
    contract: 'MemoryBackend.inspect, RegionFacts',
    run: async (context) => {
      const { backend, evidence } = context;
      const levels = [...levelsOf(context.capabilities), 'read-write'] as const;
      const placed = [];
      for (const [index, level] of levels.entries()) {
        const one = await context.mapPlaced(index + 1);
        backend.protect(one.region, level);
        placed.push(one);
      }
      placed.reverse();
      const answers = backend.inspect(placed.map(({ region }) => region));
      expectEqual(answers.length, placed.length, 'the number of answers');
      for (const [index, { place }] of placed.entries()) {
        const answer = answers[index];
        if (!expectAnswer(context, answer)) continue;
        const seen = await evidence.facts(place);
        const what = `of region ${index} of ${placed.length}`;
        expectEqual(answer.lockedByteLength, seen.lockedByteLength, `lockedByteLength ${what}`);
        expectEqual(answer.protection, seen.protection, `protection ${what}`);
        expectEqual(answer.guarded, seen.guardBefore && seen.guardAfter, `guarded ${what}`);
        expectEqual(answer.dumpExcluded, seen.dumpExcluded, `dumpExcluded ${what}`);
        expectEqual(answer.forkBehaviour, seen.forkBehaviour, `forkBehaviour ${what}`);
      }
      expectEqual(backend.inspect([]), [], 'inspect of no region');
    },
  },
  {
    id: 'inspect-asks',
    group: 'inspection',
    sentence: 'inspect notices a lost lock and a lost access that the backend did not cause',
    contract: 'MemoryBackend.inspect',
    capability: 'locking',
    claims: ({ locking }) => locking === 'locked',
    run: async ({ evidence, capabilities, page }) => {
      const { before, after } = (await evidence.tamper()) as Record<string, Partial<RegionFacts>>;
      expectEqual(before?.lockedByteLength, 2 * page, 'lockedByteLength at first');
      expectEqual(before?.protection, 'read-write', 'protection at first');
      // Secret memory has no lock of its own that could be taken off.
      if (!capabilities.kernelHidden) {
        expectEqual(after?.lockedByteLength, 0, 'lockedByteLength after the lock was taken off');
      }
      expectEqual(after?.protection, 'no-access', 'protection after all access was taken away');
    },
    instead: 'inspect says that nothing is locked, or unknown',
    otherwise: (context) => {
      const [facts] = context.backend.inspect([context.map()]);
      if (!expectAnswer(context, facts)) return;
      expectEqual(facts.lockedByteLength, 0, 'lockedByteLength without locking');
    },
  },
];
