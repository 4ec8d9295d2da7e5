import type { Parts } from './lifetime/ownership.js';
import type { LimitSource } from './limits/lock-budget.js';
import type { SealingKeyForm } from './placement/key-form.js';
import type { Route } from './placement/place-host.js';
import type { Placement } from './placement/placement.js';
import type { Places } from './places/places.js';
import type { TelemetryEvent } from './telemetry/events.js';

/** Secrets and their bytes, exactly, at one instant. */
export interface Occupancy {
  readonly secrets: number;
  /** Bytes of content. */
  readonly byteLength: number;
}

/** One slab, for a map of what the pages hold. */
export interface SlabStats {
  readonly byteLength: number;
  /** 0 where secrets of any length lie side by side. */
  readonly slotByteLength: number;
  /** Slots that hold a secret or might; of a mixed slab its places and the gaps between them. */
  readonly slots: number;
  /** Bytes that can be taken, without canaries. */
  readonly freeByteLength: number;
  readonly live: number;
  readonly quarantined: number;
}

/** The memory of one backend. */
export interface PlacementStats {
  readonly backend: string;
  /** Bytes of regions mapped now. */
  readonly mappedByteLength: number;
  /** Bytes of them that are locked: all where the backend locks, less what `verify()` found to be locked no more. */
  readonly lockedByteLength: number;
  readonly regions: number;
  readonly mapCalls: number;
  readonly unmapCalls: number;
  readonly routes: Record<Route, Occupancy>;
  readonly slabs: readonly SlabStats[];
  readonly emptyByteLength: number;
  readonly limitByteLength: number;
  readonly limitSource: LimitSource;
}

/** Everything countable about an allocator now. Counters never fall; byte lengths are bytes of this instant. */
export interface AllocatorStats {
  readonly state: 'open' | 'closing' | 'closed';
  readonly secrets: number;
  readonly openAccesses: number;
  /** References of private keys that are open. */
  readonly keyReferences: number;
  readonly primary: PlacementStats;
  readonly fallback: (PlacementStats & { readonly placed: number }) | undefined;
  readonly admission: {
    readonly waiting: number;
    readonly waits: number;
    readonly queueLengthPeak: number;
    readonly timeouts: number;
    readonly aborts: number;
    readonly refusals: number;
  };
  readonly quarantine: {
    readonly slots: number;
    readonly byteLength: number;
    /** Slots out of use for good: their surroundings were found damaged, or the system could not wipe them. */
    readonly damagedSlots: number;
  };
  readonly sealing: {
    /** Seals ever made, by secrets and stores. */
    readonly seals: number;
    /** Sealing keys that are there now: the newest, and older ones that something sealed still needs. */
    readonly keys: number;
    /** How they rest between calls, as each receipt says. */
    readonly form: SealingKeyForm;
    /** Bytes of their pages; part of the mapped bytes above. */
    readonly keyByteLength: number;
  };
  readonly events: Readonly<Record<TelemetryEvent, number>>;
}

export function statsOf({ places, granter, sealingKey }: Parts): AllocatorStats {
  const { admission, quarantine, primary, fallback } = places;
  return {
    state: places.state,
    secrets: places.live,
    openAccesses: places.openAccesses.size,
    keyReferences: keyReferencesOf(primary) + (fallback ? keyReferencesOf(fallback) : 0),
    primary: placementStats(primary),
    fallback:
      fallback === undefined
        ? undefined
        : { ...placementStats(fallback), placed: granter.fallbacks },
    admission: {
      waiting: admission.waiting,
      waits: admission.waits,
      queueLengthPeak: admission.queueLengthPeak,
      timeouts: admission.timeouts,
      aborts: admission.aborts,
      refusals: admission.refusals,
    },
    quarantine: {
      slots: quarantine.slots,
      byteLength: quarantine.byteLength,
      damagedSlots: damagedSlots(places),
    },
    sealing: {
      seals: sealingKey.seals,
      keys: sealingKey.keys,
      form: places.sealingKeyForm,
      keyByteLength: sealingKey.byteLength,
    },
    events: { ...places.telemetry.counts },
  };
}

function keyReferencesOf({ ownRegions }: Placement): number {
  return [...ownRegions].filter(({ region }) => region.keyReference !== undefined).length;
}

function placementStats(placement: Placement): PlacementStats {
  const { regions, backend, pool, budget } = placement;
  const limit = budget.limit();
  const routes = { pooled: { secrets: 0, byteLength: 0 }, own: { secrets: 0, byteLength: 0 } };
  for (const host of placement.hosts()) {
    const route = routes[host.route];
    route.secrets += host.live;
    for (let i = 0; i < host.slotCount; i++) {
      if (host.isUsed(i)) route.byteLength += host.byteLengthOf(i);
    }
  }
  return {
    backend: backend.name,
    mappedByteLength: regions.mappedByteLength,
    lockedByteLength: regions.lockedByteLength,
    regions: regions.all.size,
    mapCalls: regions.mapCount,
    unmapCalls: regions.unmapCount,
    routes,
    slabs: [...pool.slabs].map((slab) => ({
      byteLength: slab.region.byteLength,
      slotByteLength: slab.slotByteLength,
      slots:
        slab.slotByteLength > 0 ? slab.slotCount : slab.live + slab.quarantined + slab.freeSlots,
      freeByteLength: slab.freeByteLength,
      live: slab.live,
      quarantined: slab.quarantined,
    })),
    emptyByteLength: placement.vacancies.byteLength,
    limitByteLength: limit.byteLength,
    limitSource: limit.source,
  };
}

/** Of the slots that are out of use, those that are so for another reason than a view. */
function damagedSlots({ primary, fallback, quarantine }: Places): number {
  let total = 0;
  for (const placement of [primary, fallback]) {
    for (const host of placement?.hosts() ?? []) {
      total += host.quarantined - quarantine.slotsOf(host);
    }
  }
  return total;
}
