import type { CloseReport } from './allocator.js';
import { SecureMemoryError } from './contract/errors.js';
import type { View } from './contract/region.js';
import { LeakDetector } from './lifetime/leak-detector.js';
import { LockBudget } from './limits/lock-budget.js';
import { isHopeless, isShortage, type Shortage } from './limits/shortage.js';
import { COUNT_MAX, type ResolvedOptions } from './options.js';
import type { Place, PlaceHost } from './placement/place-host.js';
import { Placement } from './placement/placement.js';
import { Quarantine } from './placement/quarantine.js';
import { Regions } from './placement/regions.js';
import { OWN_REGION, SizeRouter } from './placement/size-router.js';
import type { Access, AccessKeeper } from './places/access.js';
import { AccessList } from './places/access-list.js';
import { type Receipt, receiptOf } from './places/receipt.js';
import { abortWith } from './places/shutdown.js';
import type { Standby } from './places/standby.js';
import { Granter } from './requests/granter.js';
import { SealingKey } from './sealing/sealing-key.js';
import { type CanaryFinding, Telemetry } from './telemetry/events.js';

/**
 * What all secrets of one allocator share: route, admit, place, release, purge. The public surface over it is
 * `allocator.ts` and `lifetime/allocations.ts`, which check arguments; here they are taken as checked.
 */
export class Engine implements AccessKeeper {
  readonly options: ResolvedOptions;
  readonly telemetry: Telemetry;
  readonly primary: Placement;
  readonly fallback: Placement | undefined;
  readonly granter: Granter;
  readonly quarantine: Quarantine;
  readonly leaks: LeakDetector;
  readonly sealingKey: SealingKey;
  /** Whoever holds locked memory that it can do without. */
  readonly standbys = new Set<Standby>();
  readonly openAccesses = new AccessList<Access>();
  /** Called whenever an access has closed, by whoever waits for that. */
  readonly onAccessClosedWatchers = new Set<() => void>();
  /** False from the beginning of `close()` on. */
  isOpen = true;
  /** Everything is wiped and given back, for good. */
  isShut = false;
  /** Secrets that hold a place now. */
  liveSecrets = 0;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.telemetry = new Telemetry(options.backend.name);
    this.leaks = new LeakDetector(options.leakDetection, this.telemetry);
    const router = new SizeRouter(options.pooledByteLengthMax);
    const { slabByteLengthMax, idleMs } = options;
    const placement = { router, slabByteLengthMax, idleMs };
    this.primary = new Placement(
      new Regions(options.backend, options.atRest, this.telemetry),
      new LockBudget(options.backend, options.lockedByteLengthMax, options.headroomByteLength),
      { ...placement, keptByteLengthMin: options.lockedByteLengthMin },
    );
    if (options.fallback !== undefined) {
      this.fallback = new Placement(
        new Regions(options.fallback, 'accessible', this.telemetry),
        new LockBudget(options.fallback, options.fallbackByteLengthMax, 0),
        { ...placement, keptByteLengthMin: 0 },
      );
    }
    this.granter = new Granter(this);
    this.quarantine = new Quarantine(
      options.quarantineMax,
      this.telemetry,
      (host) => this.placementOf(host).pool,
      (host, index) => this.#isLent(host, index),
    );
    this.sealingKey = new SealingKey(this);
  }

  get state(): 'open' | 'closing' | 'closed' {
    if (this.isOpen) return 'open';
    return this.isShut ? 'closed' : 'closing';
  }

  get viewsStopped(): string | undefined {
    return this.quarantine.full ? 'too many views escaped or are stuck' : undefined;
  }

  placementOf(host: PlaceHost): Placement {
    return host.region.owner === this.primary.regions ? this.primary : (this.fallback as Placement);
  }

  /** Throws `ERR_SECMEM_CLOSED` once `close` was called. */
  assertOpen(operation: string): void {
    if (this.isOpen) return;
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the allocator is closed', { operation });
  }

  receipt(host: PlaceHost | undefined): Receipt {
    const placement = host === undefined ? this.primary : this.placementOf(host);
    return receiptOf(placement.regions, host, {
      fallback: placement === this.fallback,
      viewsStopped: this.viewsStopped,
    });
  }

  /** What a secret on the fallback gets. */
  fallbackReceipt(): Receipt {
    const { regions } = this.fallback as Placement;
    return receiptOf(regions, undefined, { fallback: true, viewsStopped: this.viewsStopped });
  }

  /**
   * What `attempt` finds, at the latest after everything on standby is given up. Places go one, two, four at a time, so that
   * a request that one place serves costs the others nothing.
   */
  orGiveUp<T>(attempt: () => T | Shortage): T | Shortage {
    let found = attempt();
    for (let count = 1; isShortage(found); count *= 2) {
      if (isHopeless(found) || this.#giveUp(count) === 0) return found;
      found = attempt();
    }
    return found;
  }

  /** Ends a secret: its bytes are wiped when this returns or throws, and its place is anybody's. */
  release(host: PlaceHost, index: number): void {
    this.liveSecrets--;
    if (this.granter.admission.waiting > 0) this.#releaseToWaiters(host, index);
    else this.#endUse(host, index);
  }

  /**
   * The place of a secret of another length, with its content. Where that is another place the old one is as it was, and the
   * caller's to release: nothing may come between a secret and its handle.
   */
  resize(host: PlaceHost, index: number, byteLength: number): Place {
    const placement = this.placementOf(host);
    const stays = placement.router.classOf(byteLength) === this.#classOf(host);
    if (stays && host.setByteLength(index, byteLength)) return { host, index };
    const newcomer = this.granter.admission.reachOfNewcomer();
    const reach = newcomer === 'map' ? 'ask' : newcomer;
    const found =
      reach === undefined ? undefined : this.orGiveUp(() => placement.place([byteLength], reach));
    if (found === undefined || isShortage(found)) {
      if (byteLength < host.byteLengthOf(index) && host.setByteLength(index, byteLength)) {
        return { host, index };
      }
      throw this.granter.refusal(found, [byteLength], 'resize', placement);
    }
    const place = found[0] as Place;
    this.#copy({ host, index }, place);
    this.liveSecrets++;
    return place;
  }

  /** A view was not given back: its slot is out of use, its secret gone. */
  onViewKept(access: Access, view: View, outcome: 'escaped' | 'stuck'): void {
    if (access.current) this.liveSecrets--;
    this.quarantine.admit(access.host, access.index, view, outcome);
  }

  onAccessClosed(roomMade: boolean): void {
    if (roomMade && this.granter.admission.waiting > 0) this.granter.admission.pump();
    for (const watcher of this.onAccessClosedWatchers) watcher();
  }

  /** Wipes everything, lent copies too. Every handle is disposed; waiting requests are served from what became free. */
  purge(reason: string): void {
    const secrets = this.liveSecrets;
    for (const access of this.openAccesses) access.wipeCopy();
    this.quarantine.sweep();
    this.primary.purge();
    this.fallback?.purge();
    this.liveSecrets = 0;
    for (const standby of this.standbys) standby.onPurge();
    this.telemetry.emit('purge', { reason, secrets });
    this.granter.admission.pump();
  }

  /** Wipes and gives back everything, for good. */
  shutDown(onShut: () => void): CloseReport {
    const secretsReleased = this.liveSecrets;
    this.isOpen = false;
    this.isShut = true;
    let byteLengthLeftMapped = 0;
    this.quarantine.sweep();
    for (const placement of [this.primary, this.fallback]) {
      if (placement === undefined) continue;
      placement.shutDown();
      byteLengthLeftMapped += placement.regions.mappedByteLength;
    }
    this.liveSecrets = 0;
    for (const standby of this.standbys) standby.onPurge();
    onShut();
    return { secretsReleased, byteLengthLeftMapped };
  }

  /** Says what will not work as expected, before it does not. */
  warnAtOpening(): void {
    const { secretsMax, atRest } = this.options;
    const availableByteLength = this.primary.budget.limit().byteLength;
    if (secretsMax < COUNT_MAX) {
      const neededByteLength = this.primary.leastByteLengthOfPooled(secretsMax);
      if (neededByteLength > availableByteLength) {
        this.telemetry.emit('headroom', { neededByteLength, availableByteLength });
      }
    }
    const listeners = process.listenerCount('SIGSEGV');
    if (atRest === 'no-access' && listeners > 0) {
      this.telemetry.emit('sigsegv-listener', { listeners });
    }
  }

  /** Reports damaged canaries, one error for all; by policy it also purges or aborts. */
  reportCorruption(finding: CanaryFinding, host: PlaceHost, damaged: number): never {
    const { backend } = host.region;
    const error = new SecureMemoryError(
      'ERR_SECMEM_CANARY_MISMATCH',
      `bytes ${finding.before ? 'before' : 'after'} a secret were overwritten; its slot is out of use, ` +
        'and its neighbours cannot be told to be intact unless their own canaries are',
      {
        operation: 'verify',
        backend: backend.name,
        details: { ...finding, slots: damaged, route: host.route },
      },
    );
    this.telemetry.emit('corruption', { found: finding, error });
    if (this.options.onCorruption === 'abort') abortWith(error, () => this.purge('corruption'));
    if (this.options.onCorruption === 'purge') this.purge('corruption');
    throw error;
  }

  #giveUp(countMax: number): number {
    let count = 0;
    for (const standby of this.standbys) {
      if (count < countMax) count += standby.giveUp(countMax - count);
    }
    return count;
  }

  #isLent(host: PlaceHost, index: number): boolean {
    for (const access of this.openAccesses) {
      if (access.host === host && access.index === index) return true;
    }
    return false;
  }

  #endUse(host: PlaceHost, index: number): void {
    const finding = host.release(index);
    if (finding !== undefined) this.reportCorruption(finding, host, 1);
  }

  #releaseToWaiters(host: PlaceHost, index: number): void {
    try {
      this.#endUse(host, index);
    } finally {
      this.granter.admission.pump();
    }
  }

  #classOf(host: PlaceHost): number {
    return 'classIndex' in host ? (host.classIndex as number) : OWN_REGION;
  }

  /** Copies a secret to its new place, which is free again after a throw. */
  #copy(from: Place, to: Place): void {
    const length = Math.min(from.host.byteLengthOf(from.index), to.host.byteLengthOf(to.index));
    const start = from.host.byteOffsetOf(from.index);
    try {
      from.host.region.withBytes(start, length, (bytes) =>
        to.host.region.write(to.host.byteOffsetOf(to.index), bytes),
      );
    } catch (error) {
      to.host.release(to.index);
      throw error;
    }
  }
}
