import type { BackendCapabilities, Protection, RegionFacts } from '@securemem/core/contract';
import type { Context, PlacedRegion } from '../context.js';
import { expect, expectEqual } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';
import { isGuarded } from './guards.js';

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
    sentence:
      'inspect answers for each region, in the order given, what the system says of it, and changes nothing',
    contract: 'MemoryBackend.inspect, RegionFacts',
    run: async (context) => {
      const { backend, evidence } = context;
      const levels = [...levelsOf(context.capabilities), 'read-write'] as const;
      const placed: (PlacedRegion & { readonly level: Protection })[] = [];
      for (const [index, level] of levels.entries()) {
        const one = await context.mapPlaced(index + 1);
        backend.protect(one.region, level);
        placed.push({ ...one, level });
      }
      placed.reverse();
      const answers = backend.inspect(placed.map(({ region }) => region));
      expectEqual(answers.length, placed.length, 'the number of answers');
      for (const [index, { place, level }] of placed.entries()) {
        const answer = answers[index];
        if (!expectAnswer(context, answer)) continue;
        const seen = await evidence.facts(place);
        const what = `of region ${index} of ${placed.length}`;
        expectEqual(answer.lockedByteLength, seen.lockedByteLength, `lockedByteLength ${what}`);
        expectEqual(answer.protection, seen.protection, `protection ${what}`);
        expectEqual(seen.protection, level, `the protection after inspect ${what}`);
        const flags = seen.guardBefore && seen.guardAfter;
        const guarded = answer.guarded === flags ? flags : await isGuarded(context, flags);
        expectEqual(answer.guarded, guarded, `guarded ${what}`);
        expectEqual(answer.dumpExcluded, seen.dumpExcluded, `dumpExcluded ${what}`);
        expectEqual(answer.forkBehaviour, seen.forkBehaviour, `forkBehaviour ${what}`);
      }
      expectEqual(backend.inspect([]), [], 'inspect of no region');
    },
  },
  {
    id: 'inspect-asks',
    group: 'inspection',
    sentence:
      'inspect notices whatever a region lost that the backend did not take, field by field',
    contract: 'MemoryBackend.inspect',
    capability: 'locking',
    claims: ({ locking }) => locking === 'locked',
    run: async ({ evidence, page, capabilities }) => {
      const answers = (await evidence.tamper()) as Record<string, Partial<RegionFacts>>;
      const { before, unlockedLastPage, unlocked, inDumps, inChildren, unguarded, closed } =
        answers;
      expectEqual(before?.lockedByteLength, 2 * page, 'lockedByteLength at first');
      expectEqual(before?.protection, 'read-write', 'protection at first');
      expectEqual(before?.guarded, capabilities.guardPages, 'guarded at first');
      expectEqual(before?.dumpExcluded, capabilities.dumpExclusion, 'dumpExcluded at first');
      // Secret memory has no lock of its own that could be taken off, and no advice.
      if (unlocked !== undefined) {
        const half = unlockedLastPage?.lockedByteLength;
        expectEqual(half, page, 'lockedByteLength after the second of two pages was unlocked');
        expectEqual(unlocked.lockedByteLength, 0, 'lockedByteLength after all was unlocked');
      }
      const lost = 'after the second of two pages lost it';
      if (inDumps !== undefined) expectEqual(inDumps.dumpExcluded, false, `dumpExcluded ${lost}`);
      if (inChildren !== undefined) {
        expectEqual(inChildren.forkBehaviour, 'inherited', `forkBehaviour ${lost}`);
      }
      if (unguarded !== undefined) {
        expectEqual(unguarded.guarded, false, 'guarded after the guard behind was opened');
      }
      expectEqual(closed?.protection, 'no-access', 'protection after all access was taken away');
    },
    instead: 'inspect says that nothing is locked, or unknown',
    otherwise: (context) => {
      const [facts] = context.backend.inspect([context.map()]);
      if (!expectAnswer(context, facts)) return;
      expectEqual(facts.lockedByteLength, 0, 'lockedByteLength without locking');
    },
  },
];
