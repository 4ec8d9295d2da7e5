import type { ForkBehaviour, Protection, RegionFacts, RegionId } from '../contract/index.js';
import type { FakeAlias } from './fake-alias.js';

/** What fills the buffers of views while their region has no access, so that a stale read shows garbage. */
const POISON = 0xdb;

/** What the simulated kernel knows of one region. Everything but the identity can be tampered with by tests. */
export interface FakeRegionFacts {
  lockedByteLength: number;
  protection: Protection;
  guardBefore: boolean;
  guardAfter: boolean;
  dumpExcluded: boolean;
  forkBehaviour: ForkBehaviour;
  kernelHidden: boolean;
}

/**
 * One region of the simulated kernel: the bytes that count, and an alias for each open view.
 *
 * Two JavaScript ArrayBuffers cannot show the same memory, so coherence is simulated. `store` is what the region holds.
 * `settle` runs before every operation: bytes that were changed through an alias since the last time go into the store,
 * in the order in which the aliases were opened. `publish` runs after every change and brings all aliases up to date.
 */
export class FakeRegion {
  readonly id: RegionId;
  readonly facts: FakeRegionFacts;
  readonly store: Uint8Array<ArrayBuffer>;
  readonly aliases = new Set<FakeAlias>();
  readonly #strict: boolean;
  readonly #report: (violation: string) => void;

  constructor(
    id: RegionId,
    byteLength: number,
    facts: FakeRegionFacts,
    strict: boolean,
    report: (violation: string) => void,
  ) {
    this.id = id;
    this.facts = facts;
    this.store = new Uint8Array(new ArrayBuffer(byteLength));
    this.#strict = strict;
    this.#report = report;
  }

  /** In bytes. */
  get byteLength(): number {
    return this.store.length;
  }

  /** Brings what was written through the aliases into the store and to the other aliases. */
  settle(): void {
    let start = this.byteLength;
    let end = 0;
    for (const alias of this.aliases) {
      const changed = alias.changedRange();
      if (changed === undefined) continue;
      const changedStart = alias.byteOffset + changed.start;
      if (this.#strict && this.facts.protection !== 'read-write') {
        this.#report(
          `region ${this.id}: written through a view while ${this.facts.protection}, at ${changedStart}`,
        );
        // A real page would have killed the process; here the write simply never happened.
        alias.discard();
        continue;
      }
      alias.drain(this.store, changed);
      start = Math.min(start, changedStart);
      end = Math.max(end, alias.byteOffset + changed.end);
    }
    // Only now, since publishing between two aliases would overwrite what the second one has to say.
    if (start < end) this.publish(start, end - start);
  }

  /** Shows the store's present content of this range in every alias. A closed region shows poison in strict mode. */
  publish(byteOffset: number, byteLength: number): void {
    if (this.#strict && this.facts.protection === 'no-access') return;
    for (const alias of this.aliases) alias.refresh(this.store, byteOffset, byteLength);
  }

  /** Changes the protection after settling; poisons or restores the aliases. */
  protect(protection: Protection): void {
    this.settle();
    const before = this.facts.protection;
    this.facts.protection = protection;
    if (!this.#strict || before === protection) return;
    if (protection === 'no-access') {
      for (const alias of this.aliases) alias.fill(POISON);
    } else if (before === 'no-access') {
      this.publish(0, this.byteLength);
    }
  }

  /** Opens a view: it shows what the region holds, or poison while that is closed. */
  addAlias(alias: FakeAlias): void {
    this.settle();
    this.aliases.add(alias);
    if (this.#strict && this.facts.protection === 'no-access') alias.fill(POISON);
    else alias.refresh(this.store, alias.byteOffset, alias.byteLength);
  }

  /** Zeroes the store and shows it. */
  wipe(): void {
    this.settle();
    this.store.fill(0);
    this.publish(0, this.byteLength);
  }

  /** What an operating system would say of it. */
  observe(): RegionFacts {
    this.settle();
    const { lockedByteLength, protection, guardBefore, guardAfter, dumpExcluded, forkBehaviour } =
      this.facts;
    return {
      lockedByteLength,
      protection,
      guarded: guardBefore && guardAfter,
      dumpExcluded,
      forkBehaviour,
    };
  }
}
