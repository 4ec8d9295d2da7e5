import { type Room, roomFor } from '@securemem/core';
import type { BackendFacts, Facts } from './facts.js';
import { limitInForce } from './limit-in-force.js';
import type { Need } from './need.js';

/** As core decides it: of physical memory where nothing limits locking, and where the limit cannot be known. */
const PHYSICAL_MEMORY_SHARE = 0.25;
const ASSUMED_BYTE_LENGTH = 65_536;
/** Ordinary memory of one sealed entry of a store beside its bytes: tag, notes and index, without the name. About. */
const SEALED_OVERHEAD_BYTE_LENGTH = 66;
/** The most entries of one store. */
const ENTRIES_MAX = 16_777_215;

/** How many secrets fit on one backend. */
export interface BackendRoom extends Room {
  readonly backend: string;
  /** Sealed in a store: how many ordinary memory holds, about, and how many of them can be open at once. */
  readonly sealed: number;
  readonly openAtOnce: number;
}

type OpenBackend = BackendFacts & Required<Pick<BackendFacts, 'pageByteLength' | 'capabilities'>>;

/** What an allocator with default options would take for its budget here, in bytes. */
export function budgetByteLength(facts: Facts): number {
  const inForce = limitInForce(facts);
  if (inForce === 'unknown') return ASSUMED_BYTE_LENGTH;
  if (inForce === 'unlimited') {
    const { totalByteLength, groupLimitByteLength: group } = facts.memory;
    const allowed = typeof group === 'number' ? Math.min(group, totalByteLength) : totalByteLength;
    return Math.floor(allowed * PHYSICAL_MEMORY_SHARE);
  }
  const inUse = facts.lock.inUseByteLength === 'unknown' ? 0 : facts.lock.inUseByteLength;
  return Math.max(0, inForce - inUse);
}

/** One entry for each backend that locks here. */
export function roomOf(facts: Facts, byteLength: number): BackendRoom[] {
  const budget = budgetByteLength(facts);
  return lockingBackends(facts).map((backend) => {
    const { pageByteLength, capabilities } = backend;
    const shape = { pageByteLength: pageByteLength as number, capabilities: capabilities as never };
    const left = Math.max(
      0,
      budget - keyPages(budget / shape.pageByteLength) * shape.pageByteLength,
    );
    const open = roomFor(shape, byteLength, left).secrets;
    const each = byteLength + SEALED_OVERHEAD_BYTE_LENGTH;
    const held = Math.floor(ordinaryByteLength(facts) / each);
    const sealed = open === 0 ? 0 : Math.min(ENTRIES_MAX, held);
    const openAtOnce = Math.min(open, sealed);
    return { backend: backend.name, ...roomFor(shape, byteLength, budget), sealed, openAtOnce };
  });
}

/** The lock limit, in bytes, under which the need is met; undefined when nothing was asked for. */
export function lockedByteLengthFor(facts: Facts, need: Need): number | undefined {
  const { secrets, byteLength, sealed } = need;
  if (secrets === undefined) return undefined;
  const [backend] = lockingBackends(facts);
  const page = backend?.pageByteLength ?? 4096;
  const shape = {
    pageByteLength: page,
    capabilities: backend?.capabilities ?? ({ guardPages: true } as never),
  };
  const inUse = facts.lock.inUseByteLength === 'unknown' ? 0 : facts.lock.inUseByteLength;
  const wanted = sealed ? 1 : secrets;
  let pages = 1;
  while (roomFor(shape, byteLength, pages * page).secrets < wanted) pages *= 2;
  for (let step = pages / 4; step >= 1; step = Math.floor(step / 2)) {
    if (roomFor(shape, byteLength, (pages - step) * page).secrets >= wanted) pages -= step;
  }
  return inUse + (pages + (sealed ? keyPages(pages + 1) : 0)) * page;
}

/** Pages of the sealing key under a budget: two shares, where they are less than a quarter of it. */
function keyPages(budgetPages: number): number {
  return budgetPages < 8 ? 1 : 2;
}

function lockingBackends({ backends }: Facts): OpenBackend[] {
  return backends.filter(
    ({ state, capabilities }) => state === 'open' && capabilities?.locking === 'locked',
  ) as OpenBackend[];
}

function ordinaryByteLength({ memory }: Facts): number {
  const { availableByteLength, groupLimitByteLength: max } = memory;
  return typeof max === 'number' ? Math.min(max, availableByteLength) : availableByteLength;
}
