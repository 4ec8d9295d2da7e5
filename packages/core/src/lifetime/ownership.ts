import type { Engine } from '../engine.js';
import type { RequestOptions } from '../requests/granter.js';
import type { Secret } from '../secret/secret.js';

/**
 * To whom secrets belong: the allocator itself, or a phase. The allocator keeps no list of its secrets, since a list would
 * keep a forgotten handle from ever being reported as a leak; a phase does, since its end disposes them.
 */
export class Ownership {
  readonly engine: Engine;
  readonly parent: Ownership | undefined;
  /** The secrets of a phase; undefined for the allocator. */
  readonly held: Set<Secret> | undefined;
  /** Phases inside this one that have not ended. */
  readonly children = new Set<Ownership>();
  /** The phase ends or has ended: nothing is allocated for it any more. */
  ended = false;
  /** Ends the phase, once: later calls give the same promise. Set by whoever runs it. */
  end: () => Promise<void> = async () => {};

  constructor(engine: Engine, parent?: Ownership) {
    this.engine = engine;
    this.parent = parent;
    this.held = parent === undefined ? undefined : new Set();
    parent?.children.add(this);
  }

  /** A secret of `byteLength` bytes for this owner, when there is a place. Arguments are taken as checked. */
  async allocate(byteLength: number, request: RequestOptions): Promise<Secret> {
    const [secret] = await this.engine.granter.allocateAll([byteLength], this, request);
    return secret as Secret;
  }

  own(secret: Secret): void {
    this.held?.add(secret);
  }

  forget(secret: Secret): void {
    this.held?.delete(secret);
  }

  /** Tells the parent that this one has ended. */
  detach(): void {
    this.parent?.children.delete(this);
  }
}
