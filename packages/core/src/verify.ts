import type { RegionFacts } from './contract/region.js';
import type { PlaceHost } from './placement/place-host.js';
import type { Placement } from './placement/placement.js';
import type { Region } from './placement/region.js';
import type { Places } from './places/places.js';
import type { CanaryFinding } from './telemetry/events.js';

/** A region of which the kernel says something else than the receipts do. */
export interface Discrepancy {
  readonly backend: string;
  readonly fact: keyof RegionFacts;
  readonly claimed: unknown;
  readonly observed: unknown;
  readonly byteLength: number;
}

/** What `verify()` found. */
export interface VerifyReport {
  /** Secrets whose canaries were checked; all were intact, or `verify` had thrown. */
  readonly secrets: number;
  readonly regions: number;
  /** Regions of which the system could not say anything. */
  readonly regionsUnknown: number;
  readonly discrepancies: readonly Discrepancy[];
  /** No discrepancy, and the system could speak of every region. */
  readonly ok: boolean;
}

/**
 * Checks every canary and asks the kernel about every region, now. A damaged canary throws `ERR_SECMEM_CANARY_MISMATCH`
 * after all of them were checked: the slots next to it are not used again once they are released, and the canaries are
 * written anew. May cost milliseconds.
 */
export function verify(places: Places): VerifyReport {
  let secrets = 0;
  const damaged: { finding: CanaryFinding; host: PlaceHost; index: number }[] = [];
  const report = { regions: 0, regionsUnknown: 0, discrepancies: [] as Discrepancy[] };
  for (const placement of [places.primary, places.fallback]) {
    if (placement === undefined) continue;
    compareWithKernel(placement, report);
    for (const host of placement.hosts()) {
      for (let index = 0; index < host.slotCount; index++) {
        if (!host.isUsed(index)) continue;
        secrets++;
        const finding = host.examine(index);
        if (finding !== undefined) damaged.push({ finding, host, index });
      }
    }
  }
  const [first] = damaged;
  if (first !== undefined) {
    condemn(damaged);
    places.reportCorruption(first.finding, first.host, damaged.length);
  }
  const ok = report.discrepancies.length === 0 && report.regionsUnknown === 0;
  return { secrets, ...report, ok };
}

/** One damaged canary condemns the secrets on both sides of it: which of them ran over cannot be told. */
function condemn(damaged: readonly { host: PlaceHost; index: number }[]): void {
  for (const { host, index } of damaged) {
    host.repair(index);
    host.condemned ??= new Set();
    host.condemned.add(index);
  }
}

function compareWithKernel(
  placement: Placement,
  report: { regions: number; regionsUnknown: number; discrepancies: Discrepancy[] },
): void {
  const { backend } = placement;
  const regions = [...placement.regions.all];
  const observed = backend.inspect(regions.map((region) => region.id));
  for (const [i, region] of regions.entries()) {
    report.regions++;
    const facts = observed[i];
    if (facts === undefined || facts === 'unknown') {
      report.regionsUnknown++;
      continue;
    }
    const claimed = claimsOf(placement, region);
    for (const [fact, claim] of Object.entries(claimed) as [keyof RegionFacts, unknown][]) {
      if (facts[fact] === claim) continue;
      report.discrepancies.push({
        backend: backend.name,
        fact,
        claimed: claim,
        observed: facts[fact],
        byteLength: region.byteLength,
      });
    }
  }
}

function claimsOf(placement: Placement, region: Region): RegionFacts {
  const { capabilities } = placement.backend;
  return {
    lockedByteLength: capabilities.locking === 'locked' ? region.byteLength : 0,
    protection: region.protection,
    guarded: capabilities.guardPages,
    dumpExcluded: capabilities.dumpExclusion,
    forkBehaviour: capabilities.forkBehaviour,
  };
}
