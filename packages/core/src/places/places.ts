import { isMainThread } from 'node:worker_threads';
import { SecureMemoryError } from '../contract/errors.js';
import type { View } from '../contract/region.js';
import { LockBudget } from '../limits/lock-budget.js';
import { isHopeless, isShortage, type Shortage } from '../limits/shortage.js';
import { COUNT_MAX, type ResolvedOptions } from '../options.js';
import { type SealingKeyForm, sealingKeyFormOf } from '../placement/key-form.js';
import type { PlaceHost } from '../placement/place-host.js';
import { Placement } from '../placement/placement.js';
import { Quarantine } from '../placement/quarantine.js';
import { Regions } from '../placement/regions.js';
import { type CanaryFinding, Telemetry } from '../telemetry/events.js';
import type { Access, AccessHost } from './access.js';
import { AccessList } from './access-list.js';
import { Admission, OVERTAKES_MAX } from './admission.js';
import type { DistantReader } from './distant-reader.js';
import { type Receipt, receiptOf } from './receipt.js';
import { abortWith } from './shutdown.js';
import type { Standby } from './standby.js';

/** What `close()` did. */
export interface CloseReport {
  /** Secrets that were still live and are wiped now. */
  readonly secretsReleased: number;
  /** Bytes that stay mapped, wiped, since a view over them escaped or is stuck, or the system refused to take them. */
  readonly byteLengthLeftMapped: number;
}

/**
 * The account of all places of one allocator: how many are taken, who waits for one, which are lent, what is out of use. It
 * releases and purges them, and knows of no handle: whoever holds a place has a host and an index.
 */
export class Places implements AccessHost {
  readonly options: ResolvedOptions;
  readonly telemetry: Telemetry;
  readonly primary: Placement;
  readonly fallback: Placement | undefined;
  readonly admission: Admission;
  readonly quarantine: Quarantine;
  /** How the sealing key rests; undefined while there is none. */
  keyFormInForce: SealingKeyForm | undefined = undefined;
  /** Whoever holds locked memory that it can do without. */
  readonly standbys = new Set<Standby>();
  readonly openAccesses = new AccessList<Access>();
  /** Whoever reads a place on another thread, each under an open access to it. */
  readonly distantReaders = new Set<DistantReader>();
  /** Called whenever an access has closed, by whoever waits for that. */
  readonly onAccessClosedWatchers = new Set<() => void>();
  /** False from the beginning of `close()` on. */
  isOpen = true;
  /** Everything is wiped and given back, for good. */
  isShut = false;
  /** Places that hold a secret now. */
  live = 0;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.telemetry = new Telemetry(options.backend.name);
    const { pooledByteLengthMax, sharesWhenTight, slabByteLengthMax, idleMs, isolateViews } =
      options;
    const routing = { pooledByteLengthMax, sharesWhenTight, slabByteLengthMax };
    const placement = { ...routing, idleMs, isolateViews };
    this.primary = new Placement(
      new Regions(options.backend, options.atRest, this.telemetry, isolateViews),
      new LockBudget(options.backend, options.lockedByteLengthMax, options.headroomByteLength),
      { ...placement, reserveByteLength: options.lockedByteLengthMin },
    );
    if (options.fallback !== undefined) {
      this.fallback = new Placement(
        new Regions(options.fallback, 'accessible', this.telemetry),
        new LockBudget(options.fallback, options.fallbackByteLengthMax, 0),
        { ...placement, reserveByteLength: 0 },
      );
    }
    const onRetry = (): void => {
      this.primary.askKernelAgain();
      this.quarantine.sweep();
    };
    const isContended = () => this.primary.contention.isOn;
    const { telemetry } = this;
    const max = options.queueLengthMax;
    this.admission = new Admission(max, telemetry.outbox, onRetry, OVERTAKES_MAX, isContended);
    const poolOf = (host: PlaceHost) => this.placementOf(host).pool;
    const isLent = (host: PlaceHost, index: number) => this.#isLent(host, index);
    this.quarantine = new Quarantine(options.quarantineMax, telemetry, poolOf, isLent);
  }

  get state(): 'open' | 'closing' | 'closed' {
    if (this.isOpen) return 'open';
    return this.isShut ? 'closed' : 'closing';
  }

  /** How the sealing key rests between two calls, or would if there were one now. */
  get sealingKeyForm(): SealingKeyForm {
    if (this.keyFormInForce !== undefined) return this.keyFormInForce;
    const { backend, budget } = this.primary;
    const pages = budget.limit().byteLength / backend.pageByteLength;
    return sealingKeyFormOf(backend.capabilities, this.options.closeKeyPages, pages);
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

  /** The receipt of a place in `host`; without a host, what a pooled secret of this placement would get. */
  receipt(placement: Placement, host?: PlaceHost): Receipt {
    if (host !== undefined) placement.recheckLocks();
    return receiptOf(placement.regions, host, {
      fallback: placement === this.fallback,
      viewsStopped: this.viewsStopped,
      sealingKey: this.sealingKeyForm,
    });
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

  /** Ends the use of a place: its bytes are wiped when this returns or throws, and it is anybody's. */
  release(host: PlaceHost, index: number): void {
    this.live--;
    if (this.admission.waiting > 0 || this.primary.contention.isOn)
      this.#releaseToOthers(host, index);
    else this.#endUse(host, index);
  }

  /** A view was not given back: its slot is out of use, its secret gone. */
  onViewLost(access: Access, view: View, outcome: 'escaped' | 'stuck'): void {
    if (access.current) this.live--;
    this.#stopReaders(({ host, index }) => host === access.host && index === access.index);
    this.quarantine.admit(access.host, access.index, view, outcome);
  }

  onAccessClosed(roomMade: boolean): void {
    if (roomMade && this.admission.waiting > 0) this.admission.pump();
    for (const watcher of this.onAccessClosedWatchers) watcher();
  }

  /** Wipes everything, lent copies too. Every handle is disposed; waiting requests are served from what became free. */
  purge(reason: string): void {
    this.telemetry.outbox.during(() => this.#purge(reason));
  }

  /** The same where process or thread end in this step: what is to be told is told, and pages that outlive their thread go back. */
  readonly lastPurge = {
    purge: (reason: string): void => {
      this.purge(reason);
      if (!isMainThread) for (const { vacancies } of this.#placements()) vacancies.giveBackNow();
      this.telemetry.outbox.sendAll();
    },
  };

  #purge(reason: string): void {
    const secrets = this.live;
    this.#stopReaders(() => true);
    for (const access of this.openAccesses) access.wipeCopy();
    this.quarantine.sweep();
    for (const placement of this.#placements()) placement.purge();
    this.live = 0;
    for (const standby of this.standbys) standby.onPurge();
    this.telemetry.emit('purge', { reason, secrets });
    this.admission.pump();
  }

  /** Ends every place now, and wipes and gives back every region in the turns to come, for good. */
  async shutDown(onShut: () => void): Promise<CloseReport> {
    const secretsReleased = this.end();
    let byteLengthLeftMapped = 0;
    for (const { regions } of this.#placements()) {
      await regions.unmapAll();
      byteLengthLeftMapped += regions.mappedByteLength;
    }
    this.isShut = true;
    onShut();
    return { secretsReleased, byteLengthLeftMapped };
  }

  /** Ends every place, and says how many there were. Every region is still to be given back. */
  end(): number {
    const { live } = this;
    this.telemetry.outbox.during(() => {
      this.isOpen = false;
      this.quarantine.sweep();
      for (const placement of this.#placements()) placement.end();
      this.live = 0;
      for (const standby of this.standbys) standby.onPurge();
    });
    return live;
  }

  /** Nothing but regions that were mapped ahead of need is there, and they go back now. */
  endUnused(): void {
    this.end();
    const { regions } = this.primary;
    for (const region of regions.all) regions.unmapQuietly(region);
    this.isShut = true;
  }

  #placements(): readonly Placement[] {
    return this.fallback === undefined ? [this.primary] : [this.primary, this.fallback];
  }

  /** Says what will not work as expected, before it does not. */
  warnAtOpening(): void {
    const { secretsMax, atRest } = this.options;
    if (secretsMax < COUNT_MAX) {
      const availableByteLength = this.primary.budget.limit().byteLength;
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
    const error = new SecureMemoryError(
      'ERR_SECMEM_CANARY_MISMATCH',
      `bytes ${finding.before ? 'before' : 'after'} a secret were overwritten; its slot is out of use, ` +
        'and its neighbours cannot be told to be intact unless their own canaries are',
      {
        operation: 'verify',
        backend: host.region.backend.name,
        details: { ...finding, slots: damaged, route: host.route },
      },
    );
    this.telemetry.emit('corruption', { found: finding, error });
    if (this.options.onCorruption === 'abort')
      abortWith(error, () => this.lastPurge.purge('corruption'));
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

  /** Precedes every wipe that does not wait for accesses. A reader that cannot be stopped does not keep the bytes from it. */
  #stopReaders(concerns: (reader: DistantReader) => boolean): void {
    for (const reader of this.distantReaders) {
      if (!concerns(reader)) continue;
      try {
        reader.stop();
      } catch {}
    }
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

  #releaseToOthers(host: PlaceHost, index: number): void {
    const { outbox } = this.telemetry;
    outbox.hold();
    try {
      this.#endUse(host, index);
    } finally {
      this.placementOf(host).reservation?.look(host);
      this.admission.pump();
      if (this.primary.contention.isOn) this.primary.vacancies.giveBackAll();
      outbox.letGo();
    }
  }
}
