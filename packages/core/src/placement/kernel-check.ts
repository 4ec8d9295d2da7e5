import type { Protection } from '../contract/capabilities.js';
import type { RegionFacts } from '../contract/region.js';
import type { Losses, Region } from './region.js';
import type { Regions } from './regions.js';

/** A region of which the kernel says something else than the receipts did. */
export interface Discrepancy {
  readonly backend: string;
  readonly fact: keyof RegionFacts;
  readonly claimed: unknown;
  readonly observed: unknown;
  readonly byteLength: number;
}

/** What the kernel says of all regions of a backend. */
export interface KernelReport {
  readonly regions: number;
  /** Regions of which it could not say anything. */
  readonly regionsUnknown: number;
  readonly discrepancies: readonly Discrepancy[];
}

const OPENNESS: Record<Protection, number> = { 'no-access': 0, 'read-only': 1, 'read-write': 2 };

/**
 * Asks the kernel about every region, adopts the protections that it enforces, and gives what each region lacks to `note`: a
 * region of which it cannot speak stays as it was.
 */
export function askKernel(
  regions: Regions,
  note: (found: readonly (readonly [Region, Losses | undefined])[]) => void,
): KernelReport {
  const all = [...regions.all];
  const answers = regions.backend.inspect(all.map((region) => region.id));
  const discrepancies: Discrepancy[] = [];
  const found: [Region, Losses | undefined][] = [];
  for (const [i, region] of all.entries()) {
    const seen = answers[i];
    if (seen === undefined || seen === 'unknown') continue;
    const claimed = claimsOf(region);
    discrepancies.push(...discrepanciesOf(region, claimed, seen));
    region.adoptProtection(seen.protection);
    found.push([region, lossesOf(claimed, seen)]);
  }
  note(found);
  return { regions: all.length, regionsUnknown: all.length - found.length, discrepancies };
}

function claimsOf(region: Region): RegionFacts {
  const { byteLength, losses } = region;
  const { capabilities } = region.backend;
  // Pages that were found open and are not closed yet are no more open than before for having been noticed.
  const protection =
    losses?.protection === undefined ? region.protection : region.neededProtection();
  return {
    lockedByteLength: capabilities.locking === 'locked' ? byteLength : 0,
    protection,
    guarded: capabilities.guardPages,
    dumpExcluded: capabilities.dumpExclusion,
    forkBehaviour: capabilities.forkBehaviour,
  };
}

function discrepanciesOf(
  { backend, byteLength }: Region,
  claimed: RegionFacts,
  seen: RegionFacts,
): Discrepancy[] {
  const facts = Object.keys(claimed) as (keyof RegionFacts)[];
  return facts
    .filter((fact) => seen[fact] !== claimed[fact])
    .map((fact) => ({
      backend: backend.name,
      fact,
      claimed: claimed[fact],
      observed: seen[fact],
      byteLength,
    }));
}

/** What is weaker than claimed; undefined where nothing is. */
function lossesOf(claimed: RegionFacts, seen: RegionFacts): Losses | undefined {
  const losses: Losses = Object.assign(Object.create(null), {
    ...(seen.lockedByteLength < claimed.lockedByteLength && {
      lockedByteLength: seen.lockedByteLength,
    }),
    ...(OPENNESS[seen.protection] > OPENNESS[claimed.protection] && {
      protection: seen.protection,
    }),
    ...(claimed.guarded && !seen.guarded && { guarded: false }),
    ...(claimed.dumpExcluded && !seen.dumpExcluded && { dumpExcluded: false }),
    ...(seen.forkBehaviour === 'inherited' &&
      claimed.forkBehaviour !== 'inherited' && { forkBehaviour: seen.forkBehaviour }),
  });
  return Object.keys(losses).length === 0 ? undefined : losses;
}
