import type { Discrepancy } from './placement/kernel-check.js';
import type { PlaceHost } from './placement/place-host.js';
import type { Places } from './places/places.js';
import type { CanaryFinding } from './telemetry/events.js';

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
 *
 * What the kernel says is gone is gone for everybody from then on: receipts and figures say so, `require` refuses, nothing new
 * is placed there, and `securemem:protection-lost` tells of it. A later look that finds it again takes that back.
 */
export function verify(places: Places): VerifyReport {
  return places.telemetry.outbox.during(() => look(places));
}

function look(places: Places): VerifyReport {
  let secrets = 0;
  const damaged: { finding: CanaryFinding; host: PlaceHost; index: number }[] = [];
  const report = { regions: 0, regionsUnknown: 0, discrepancies: [] as Discrepancy[] };
  for (const placement of [places.primary, places.fallback]) {
    if (placement === undefined) continue;
    const found = placement.askKernel();
    report.regions += found.regions;
    report.regionsUnknown += found.regionsUnknown;
    report.discrepancies.push(...found.discrepancies);
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
