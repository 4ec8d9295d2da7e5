import type { RegionId, View, ViewOutcome } from '../contract/index.js';

/** A view whose outcome can be decided from outside. */
export class FaultyView implements View {
  readonly bytes: Uint8Array;
  readonly region: RegionId;
  readonly #inner: View;
  readonly #plan: () => Exclude<ViewOutcome, 'revoked'> | undefined;
  #outcome: ViewOutcome | undefined;
  #planned = false;
  #aliasAlive = true;

  constructor(
    inner: View,
    region: RegionId,
    plan: () => Exclude<ViewOutcome, 'revoked'> | undefined,
  ) {
    this.#inner = inner;
    this.region = region;
    this.#plan = plan;
    this.bytes = inner.bytes;
  }

  close(): ViewOutcome {
    this.#outcome ??= this.#end(this.#plan());
    return this.#outcome;
  }

  aliasAlive(): boolean | 'unknown' {
    return this.#planned ? this.#aliasAlive : this.#inner.aliasAlive();
  }

  /** What was planned to live on becomes garbage. */
  releaseAlias(): void {
    this.#aliasAlive = false;
    this.#inner.close();
  }

  #end(planned: Exclude<ViewOutcome, 'revoked'> | undefined): ViewOutcome {
    if (planned === undefined) return this.#inner.close();
    this.#planned = true;
    if (planned === 'stuck') return planned;
    // The buffer empties, as it would if somebody had transferred it, and nobody holds what it held.
    this.#inner.close();
    return planned;
  }
}
