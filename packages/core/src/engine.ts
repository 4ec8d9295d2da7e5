import type { CloseReport } from './allocator.js';
import { isSecureMemoryError, SecureMemoryError } from './contract/errors.js';
import type { View } from './contract/region.js';
import { LeakDetector } from './lifetime/leak-detector.js';
import type { Ownership } from './lifetime/ownership.js';
import { abortWith } from './lifetime/shutdown.js';
import { COUNT_MAX, type OnCapacity, type ResolvedOptions } from './options.js';
import type { CanaryFinding, Place, PlaceHost } from './placement/place-host.js';
import { Placement, type Reach } from './placement/placement.js';
import { Quarantine } from './placement/quarantine.js';
import { RegionLifecycle } from './placement/region-lifecycle.js';
import { isShortage, type Shortage } from './placement/shortage.js';
import { OWN_REGION, SizeRouter } from './placement/size-router.js';
import { Admission, type Claim } from './policy/admission.js';
import { respondTo } from './policy/capacity-policy.js';
import { LockBudget } from './policy/lock-budget.js';
import { fragmentationOf, queueError, shortageError } from './policy/shortage-error.js';
import type { Access, AccessKeeper } from './secret/access.js';
import { demand, type Receipt, receiptOf } from './secret/receipt.js';
import { internals, type Secret } from './secret/secret.js';
import { Telemetry, waitChannel } from './telemetry/events.js';

/** What a caller says about one request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onCapacity?: OnCapacity | undefined;
  readonly waitMsMax?: number | undefined;
}

/**
 * What all secrets of one allocator share: route, admit, place, release, purge. The public surface over it is
 * `allocator.ts` and `lifetime/allocations.ts`, which check arguments; here they are taken as checked.
 */
export class Engine implements AccessKeeper {
  readonly options: ResolvedOptions;
  readonly telemetry: Telemetry;
  readonly primary: Placement;
  readonly fallback: Placement | undefined;
  readonly admission: Admission;
  readonly quarantine: Quarantine;
  readonly leaks: LeakDetector;
  readonly openAccesses = new Set<Access>();
  /** Called whenever an access has closed, by whoever waits for that. */
  readonly onAccessClosedWatchers = new Set<() => void>();
  state: 'open' | 'closing' | 'closed' = 'open';
  /** Secrets that hold a place now. */
  liveSecrets = 0;
  /** Secrets placed on the fallback, ever. */
  fallbacks = 0;

  #fallingBack = false;
  /** The kernel refused a waiter although our own account had room: mapping is not tried again before something changed. */
  #kernelRefusedAtUnmapCount = -1;

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.telemetry = new Telemetry(options.backend.name);
    this.leaks = new LeakDetector(options.leakDetection, this.telemetry);
    this.admission = new Admission(options.queueLengthMax, () => {
      this.#kernelRefusedAtUnmapCount = -1;
      this.quarantine.sweep();
    });
    const router = new SizeRouter(options.pooledByteLengthMax);
    const { slabByteLengthMax, idleMs } = options;
    const placement = { router, slabByteLengthMax, idleMs };
    this.primary = new Placement(
      new RegionLifecycle(options.backend, options.atRest, this.telemetry),
      new LockBudget(options.backend, options.lockedByteLengthMax, options.headroomByteLength),
      { ...placement, keptByteLengthMin: options.lockedByteLengthMin },
    );
    if (options.fallback !== undefined) {
      this.fallback = new Placement(
        new RegionLifecycle(options.fallback, 'accessible', this.telemetry),
        new LockBudget(options.fallback, options.fallbackByteLengthMax, 0),
        { ...placement, keptByteLengthMin: 0 },
      );
    }
    this.quarantine = new Quarantine(
      options.quarantineMax,
      this.telemetry,
      (host) => this.placementOf(host).pool,
    );
  }

  get viewsStopped(): string | undefined {
    return this.quarantine.full ? 'too many views escaped or are stuck' : undefined;
  }

  placementOf(host: PlaceHost): Placement {
    const { lifecycle } = host.region;
    return lifecycle === this.primary.lifecycle ? this.primary : (this.fallback as Placement);
  }

  /** Throws `ERR_SECMEM_CLOSED` once `close` was called. */
  assertOpen(operation: string): void {
    if (this.state === 'open') return;
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the allocator is closed', { operation });
  }

  receipt(host: PlaceHost | undefined): Receipt {
    const placement = host === undefined ? this.primary : this.placementOf(host);
    return receiptOf(placement.lifecycle, host, {
      fallback: placement === this.fallback,
      viewsStopped: this.viewsStopped,
    });
  }

  /** What a secret on the fallback gets. */
  fallbackReceipt(): Receipt {
    const { lifecycle } = this.fallback as Placement;
    return receiptOf(lifecycle, undefined, { fallback: true, viewsStopped: this.viewsStopped });
  }

  /** One secret at once, or an error. The steady state is a slot of a slab that is there: no system call, no queue. */
  allocateSync(byteLength: number, owner: Ownership, onCapacity?: OnCapacity): Secret {
    if (this.admission.waiting === 0 && this.liveSecrets < this.options.secretsMax) {
      this.#assertAllocatable(owner);
      const { pool, router } = this.primary;
      const classIndex = router.classOf(byteLength);
      const slab = classIndex === OWN_REGION ? undefined : pool.slabWithFree(classIndex);
      if (slab !== undefined && slab.region.openBecause === undefined) {
        const index = pool.takeFrom(slab, byteLength);
        this.liveSecrets++;
        this.#fallingBack = false;
        return internals.create(owner, slab, index);
      }
    }
    return this.allocateAllSync([byteLength], owner, onCapacity)[0] as Secret;
  }

  /** All at once, or an error and nothing taken. */
  allocateAllSync(
    byteLengths: readonly number[],
    owner: Ownership,
    onCapacity: OnCapacity = this.options.onCapacity,
  ): Secret[] {
    this.#assertAllocatable(owner);
    let error: SecureMemoryError;
    try {
      const granted = this.#grantNewcomer(byteLengths, owner);
      if (Array.isArray(granted)) return granted;
      error = granted;
    } catch (thrown) {
      if (!isSecureMemoryError(thrown)) throw thrown;
      error = thrown;
    }
    return this.#respond(error, byteLengths, owner, onCapacity);
  }

  /** All, when there is room for all; in turn. */
  allocateAll(
    byteLengths: readonly number[],
    owner: Ownership,
    request: RequestOptions,
  ): Promise<Secret[]> {
    const onCapacity = request.onCapacity ?? this.options.onCapacity;
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted();
      this.#assertAllocatable(owner);
      if (onCapacity !== 'wait') {
        resolve(this.allocateAllSync(byteLengths, owner, onCapacity));
        return;
      }
      const claim = this.#claim(byteLengths, owner, resolve, reject);
      if (this.admission.serveNewcomer(claim)) return;
      const impossible = claim.impossible();
      if (impossible !== undefined) throw impossible;
      this.admission.enqueue(claim, {
        waitMsMax: request.waitMsMax ?? this.options.waitMsMax,
        signal: request.signal,
        owner,
      });
    });
  }

  /** Ends a secret: its bytes are wiped when this returns or throws, and its place is anybody's. */
  release(host: PlaceHost, index: number): void {
    this.liveSecrets--;
    try {
      const finding = host.release(index);
      if (finding !== undefined) this.#onCorruption(finding, host);
    } finally {
      if (this.admission.waiting > 0) this.admission.pump();
    }
  }

  /** The place of a secret of another length; the old one is wiped and released where it moved. */
  resize(host: PlaceHost, index: number, byteLength: number): Place {
    const placement = this.placementOf(host);
    const stays = placement.router.classOf(byteLength) === this.#classOf(host);
    if (stays && host.setByteLength(index, byteLength)) return { host, index };
    const reach = this.admission.reachOfNewcomer();
    const found = reach === undefined ? undefined : placement.place([byteLength], reach);
    if (found === undefined || isShortage(found)) {
      if (
        byteLength < (host.byteLengths[index] as number) &&
        host.setByteLength(index, byteLength)
      ) {
        return { host, index };
      }
      throw this.#refusal(found, [byteLength], 'resize', placement);
    }
    const place = found[0] as Place;
    this.#move({ host, index }, place);
    return place;
  }

  /** A view was not given back: its slot is out of use, its secret gone. */
  onViewKept(access: Access, view: View, outcome: 'escaped' | 'stuck'): void {
    if (access.current) this.liveSecrets--;
    this.quarantine.admit(access.host, access.index, view, outcome);
  }

  onAccessClosed(): void {
    for (const watcher of this.onAccessClosedWatchers) watcher();
  }

  /** Wipes everything, lent copies too. Every handle is disposed; waiting requests are served from what became free. */
  purge(reason: string): void {
    const secrets = this.liveSecrets;
    for (const access of this.openAccesses) access.wipeCopy();
    this.primary.purge();
    this.fallback?.purge();
    this.liveSecrets = 0;
    this.telemetry.emit('purge', { reason, secrets });
    this.admission.pump();
  }

  /** Wipes and gives back everything, for good. */
  shutDown(onShut: () => void): CloseReport {
    const secretsReleased = this.liveSecrets;
    this.state = 'closed';
    let byteLengthLeftMapped = 0;
    for (const placement of [this.primary, this.fallback]) {
      if (placement === undefined) continue;
      placement.stopSweeping();
      placement.purge();
      byteLengthLeftMapped += placement.lifecycle.mappedByteLength;
    }
    this.liveSecrets = 0;
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
    const { backend } = host.region.lifecycle;
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

  #onCorruption(finding: CanaryFinding, host: PlaceHost): void {
    this.reportCorruption(finding, host, 1);
  }

  #assertAllocatable(owner: Ownership): void {
    if (this.state !== 'open') this.assertOpen('allocate');
    if (owner.ended) {
      throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the phase has ended', {
        operation: 'allocate',
      });
    }
  }

  #classOf(host: PlaceHost): number {
    return 'classIndex' in host ? (host.classIndex as number) : OWN_REGION;
  }

  /** Secrets for a request that has just arrived, or the error that says why not. */
  #grantNewcomer(byteLengths: readonly number[], owner: Ownership): Secret[] | SecureMemoryError {
    const reach = this.admission.reachOfNewcomer();
    const found =
      reach === undefined ? undefined : this.#place(byteLengths, reach === 'map' ? 'ask' : reach);
    if (found === undefined || isShortage(found)) {
      return this.#refusal(found, byteLengths, 'allocateSync', this.primary);
    }
    this.admission.noteOvertaking();
    return this.#handOut(found, owner);
  }

  #place(byteLengths: readonly number[], reach: Reach): Place[] | Shortage {
    const { primary } = this;
    if (this.liveSecrets + byteLengths.length > this.options.secretsMax) {
      return {
        by: byteLengths.length > this.options.secretsMax ? 'never' : 'secrets',
        requestedByteLength: primary.leastByteLength(byteLengths),
        inUseByteLength: primary.lifecycle.mappedByteLength,
        limit: primary.budget.limit(),
      };
    }
    const found = primary.place(byteLengths, reach);
    if (isShortage(found)) this.quarantine.sweep();
    return found;
  }

  #handOut(places: readonly Place[], owner: Ownership): Secret[] {
    const secrets = places.map(({ host, index }) => internals.create(owner, host, index));
    this.liveSecrets += places.length;
    this.#fallingBack = false;
    for (const { host } of places) {
      if (host.region.openBecause === undefined || this.options.require.length === 0) continue;
      try {
        demand(this.receipt(host), this.options.require, 'the place found');
      } catch (error) {
        for (const secret of secrets) secret.dispose();
        throw error;
      }
    }
    return secrets;
  }

  #claim(
    byteLengths: readonly number[],
    owner: Ownership,
    resolve: (secrets: Secret[]) => void,
    reject: (reason: unknown) => void,
  ): Claim {
    let shortage: Shortage | undefined;
    const context = {
      allocator: this.telemetry.allocator,
      backend: this.telemetry.backend,
      requestedByteLength: byteLengths.reduce((sum, n) => sum + n, 0),
    };
    return {
      tryGrant: (reach) => {
        const refused = this.#kernelRefusedAtUnmapCount === this.primary.lifecycle.unmapCount;
        const found = this.#place(byteLengths, reach === 'map' && refused ? 'warm' : reach);
        if (!isShortage(found)) {
          resolve(this.#handOut(found, owner));
          return true;
        }
        shortage = refused ? shortage : found;
        if (found.by === 'kernel') {
          this.#kernelRefusedAtUnmapCount = this.primary.lifecycle.unmapCount;
        }
        return false;
      },
      impossible: () => this.#impossible(byteLengths),
      timedOut: (waitedMs) => this.#waitTimeout(waitedMs, shortage, byteLengths),
      reject,
    };
  }

  /** The error for what can never fit under the limit in force now, whatever is released. */
  #impossible(byteLengths: readonly number[]): SecureMemoryError | undefined {
    const { primary } = this;
    const limit = primary.budget.limit();
    const least = primary.leastByteLength(byteLengths);
    if (least <= limit.byteLength && byteLengths.length <= this.options.secretsMax) {
      return undefined;
    }
    return this.#refusal(this.#place(byteLengths, 'ask'), byteLengths, 'allocate', primary);
  }

  /** The error for a shortage; undefined means that nobody may be overtaken. */
  #refusal(
    found: Shortage | readonly Place[] | undefined,
    byteLengths: readonly number[],
    operation: string,
    placement: Placement,
  ): SecureMemoryError {
    const { backend, budget } = placement;
    const least = placement.leastByteLength(byteLengths);
    if (!isShortage(found) || (this.admission.waiting > 0 && found.by === 'budget')) {
      return queueError(this.admission.waiting, least, backend.name);
    }
    const limit = budget.limit();
    const zero = limit.byteLength === 0 && found.error !== undefined;
    const never = found.by !== 'secrets' && least > limit.byteLength && !zero;
    const shortage: Shortage = never
      ? { ...found, by: 'never', requestedByteLength: least, limit }
      : found;
    return shortageError(shortage, backend.name, operation, fragmentationOf(placement));
  }

  #waitTimeout(
    waitedMs: number,
    shortage: Shortage | undefined,
    byteLengths: readonly number[],
  ): SecureMemoryError {
    const { primary } = this;
    const cause = this.#refusal(
      shortage ?? this.#place(byteLengths, 'warm'),
      byteLengths,
      'allocate',
      primary,
    );
    return new SecureMemoryError(
      'ERR_SECMEM_WAIT_TIMEOUT',
      `no place within ${waitedMs} ms: ${cause.message}`,
      {
        operation: 'allocate',
        backend: primary.backend.name,
        details: { ...cause.details, limit: 'wait', waitedMs, boundBy: cause.details.limit },
        cause,
      },
    );
  }

  #respond(
    error: SecureMemoryError,
    byteLengths: readonly number[],
    owner: Ownership,
    policy: OnCapacity,
  ): Secret[] {
    switch (respondTo(error, policy, true)) {
      case 'abort':
        return abortWith(error, () => this.purge('abort'));
      case 'fallback':
        return this.#fallBack(error, byteLengths, owner);
      default:
        throw error;
    }
  }

  #fallBack(error: SecureMemoryError, byteLengths: readonly number[], owner: Ownership): Secret[] {
    const { fallback } = this;
    if (fallback === undefined) {
      throw new TypeError("onCapacity 'fallback' needs a backend to fall back to: set `fallback`");
    }
    const found = fallback.place(byteLengths, 'map');
    if (isShortage(found)) {
      const refused = this.#refusal(found, byteLengths, 'fallback', fallback);
      throw Object.defineProperty(refused, 'cause', { value: error, configurable: true });
    }
    const first = !this.#fallingBack;
    const secrets = this.#handOut(found, owner);
    this.#fallingBack = true;
    this.fallbacks += secrets.length;
    if (first) {
      const requestedByteLength = byteLengths.reduce((sum, n) => sum + n, 0);
      this.telemetry.emit('fallback', { requestedByteLength, error });
    }
    return secrets;
  }

  /** Copies a secret to its new place; the old one is wiped and free. */
  #move(from: Place, to: Place): void {
    const length = Math.min(
      from.host.byteLengths[from.index] as number,
      to.host.byteLengths[to.index] as number,
    );
    const source = from.host.region;
    const target = to.host.region;
    const start = from.host.byteOffsetOf(from.index);
    const end = to.host.byteOffsetOf(to.index);
    try {
      const bytes = source.lifecycle.bytes(source, 'read-only');
      const window =
        bytes?.subarray(start, start + length) ?? new Uint8Array(new ArrayBuffer(length));
      try {
        if (bytes === undefined) source.lifecycle.backend.read(source.id, start, window);
        const into = target.lifecycle.bytes(target, 'read-write');
        if (into !== undefined) into.set(window, end);
        else target.lifecycle.backend.write(target.id, end, window);
      } finally {
        if (bytes === undefined) window.fill(0);
      }
    } catch (error) {
      to.host.release(to.index);
      throw error;
    }
    this.liveSecrets++;
    this.release(from.host, from.index);
  }
}
