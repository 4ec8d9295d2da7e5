import { throwIfAborted } from '../common/abort-signal.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { OnCapacity } from '../options.js';
import type { Place } from '../placement/place-host.js';
import type { Places } from '../places/places.js';
import type { Granter, RequestOptions } from '../requests/granter.js';
import type { SealingKey } from '../sealing/sealing-key.js';
import {
  createSecret,
  ownerOf,
  type Secret,
  type SecretOwner,
  setOwner,
} from '../secret/secret.js';
import type { LeakDetector } from './leak-detector.js';

/** What all secrets of one allocator share. */
export interface Parts {
  readonly places: Places;
  readonly granter: Granter;
  readonly sealingKey: SealingKey;
  readonly leaks: LeakDetector;
}

/**
 * To whom secrets belong, the allocator itself or a phase, and the one door to new ones: whatever makes a secret asks here
 * for its place. The allocator keeps no list of its secrets, since a list would keep a forgotten handle from ever being
 * reported as a leak; a phase does, since its end disposes them.
 *
 * Lengths and options are taken as checked. Every call throws `ERR_SECMEM_CLOSED` at once after the end of the phase or
 * the allocator.
 */
export class Ownership implements SecretOwner {
  readonly places: Places;
  readonly granter: Granter;
  readonly sealingKey: SealingKey;
  readonly leaks: LeakDetector;
  readonly parent: Ownership | undefined;
  /** The secrets of a phase; undefined for the allocator. */
  readonly held: Set<Secret> | undefined;
  /** Phases inside this one that have not ended. */
  readonly children = new Set<Ownership>();
  /** The phase ends or has ended: nothing is allocated for it any more. */
  ended = false;
  /** Ends the phase, once: later calls give the same promise. Set by whoever runs it. */
  end: () => Promise<void> = async () => {};

  constructor({ places, granter, sealingKey, leaks }: Parts, parent?: Ownership) {
    this.places = places;
    this.granter = granter;
    this.sealingKey = sealingKey;
    this.leaks = leaks;
    this.parent = parent;
    this.held = parent === undefined ? undefined : new Set();
    parent?.children.add(this);
  }

  /** One secret, when there is a place for it. The steady state asks no limit, as at once. */
  async allocate(byteLength: number, request: RequestOptions): Promise<Secret> {
    throwIfAborted(request.signal);
    const free = this.takeFree(byteLength);
    return free ?? ((await this.allocateAll([byteLength], request))[0] as Secret);
  }

  /** The same at once, or an error. The steady state is a slot of a slab that is there: no system call, no queue. */
  allocateSync(byteLength: number, onCapacity?: OnCapacity): Secret {
    return this.takeFree(byteLength) ?? this.#allocateOne(byteLength, onCapacity);
  }

  /** Several at once, every one or none. Throws the signal's reason at once where it is aborted. */
  allocateAll(byteLengths: readonly number[], request: RequestOptions): Promise<Secret[]> {
    throwIfAborted(request.signal);
    this.#assertOpen();
    return this.granter.grant(byteLengths, request, this, this.#hand);
  }

  /** The same at once, or an error and nothing taken. */
  allocateAllSync(byteLengths: readonly number[], onCapacity?: OnCapacity): Secret[] {
    this.#assertOpen();
    return this.granter.grantSync(byteLengths, onCapacity, this.#hand);
  }

  /** One secret in a slot that is free, when nobody waits; undefined when it takes more than that, or is refused. */
  takeFree(byteLength: number): Secret | undefined {
    if (this.ended) return undefined;
    const slab = this.granter.freeSlab(byteLength);
    if (slab === undefined) return undefined;
    return createSecret(this, slab, this.granter.take(slab, byteLength));
  }

  own(secret: Secret): void {
    this.held?.add(secret);
  }

  forget(secret: Secret): void {
    this.held?.delete(secret);
  }

  /** Moves a secret of this phase to the parent. `ERR_SECMEM_INPUT_INVALID` when it belongs to somebody else. */
  handUp(secret: Secret): void {
    if (ownerOf(secret) !== this) {
      throw new SecureMemoryError('ERR_SECMEM_INPUT_INVALID', 'the secret is not of this phase', {
        operation: 'keep',
      });
    }
    const parent = this.parent as Ownership;
    this.forget(secret);
    setOwner(secret, parent);
    parent.own(secret);
  }

  /** Tells the parent that this one has ended. */
  detach(): void {
    this.parent?.children.delete(this);
  }

  #allocateOne(byteLength: number, onCapacity?: OnCapacity): Secret {
    return this.allocateAllSync([byteLength], onCapacity)[0] as Secret;
  }

  readonly #hand = (places: readonly Place[]): Secret[] =>
    places.map(({ host, index }) => createSecret(this, host, index));

  #assertOpen(): void {
    this.places.assertOpen('allocate');
    if (!this.ended) return;
    throw new SecureMemoryError('ERR_SECMEM_CLOSED', 'the phase has ended', {
      operation: 'allocate',
    });
  }
}
