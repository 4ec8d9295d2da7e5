import type { View, ViewOutcome } from '../contract/index.js';
import { FakeAlias, moveBuffer } from './fake-alias.js';
import type { FakeKernel } from './fake-kernel.js';
import type { FakeRegion } from './fake-region.js';

/** A view of a fake region. Its outcome can be decided beforehand by `kernel.nextViewOutcome`. */
export class FakeView implements View {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #alias: FakeAlias;
  readonly #kernel: FakeKernel;
  readonly #region: FakeRegion;
  readonly #tracksAliases: boolean;
  readonly #backend: string;
  #outcome: ViewOutcome | undefined;
  #stillAlive: () => boolean = () => true;

  constructor(
    kernel: FakeKernel,
    region: FakeRegion,
    byteOffset: number,
    byteLength: number,
    options: { readonly tracksAliases: boolean; readonly backend: string },
  ) {
    this.#kernel = kernel;
    this.#region = region;
    this.#tracksAliases = options.tracksAliases;
    this.#backend = options.backend;
    this.#alias = new FakeAlias(byteOffset, byteLength);
    this.bytes = new Uint8Array(this.#alias.buffer);
    region.addAlias(this.#alias);
  }

  /** True until the view is known to be harmless: what keeps a region mapped. A view of no bytes shows nothing of it. */
  get holdsRegion(): boolean {
    return this.#alias.byteLength > 0 && this.aliasAlive() !== false;
  }

  close(): ViewOutcome {
    if (this.#outcome !== undefined) return this.#outcome;
    this.#region.settle();
    this.#outcome = this.#end(this.#kernel.takeViewOutcome());
    this.#kernel.record({
      operation: 'closeView',
      backend: this.#backend,
      region: this.#region.id,
      byteOffset: this.#alias.byteOffset,
      byteLength: this.#alias.byteLength,
      detail: this.#outcome,
    });
    return this.#outcome;
  }

  aliasAlive(): boolean | 'unknown' {
    if (this.#outcome === 'revoked') return false;
    if (this.#outcome === undefined) return true;
    return this.#tracksAliases ? this.#stillAlive() : 'unknown';
  }

  #end(planned: 'stuck' | 'escaped' | undefined): ViewOutcome {
    if (this.#alias.detached) {
      this.#region.aliases.delete(this.#alias);
      this.#stillAlive = this.#kernel.keepAlias(this.#alias);
      return 'escaped';
    }
    if (planned === 'escaped') {
      this.#region.aliases.delete(this.#alias);
      this.#stillAlive = this.#kernel.keepAlias(this.#alias, moveBuffer(this.#alias.buffer));
      return 'escaped';
    }
    if (planned !== 'stuck' && this.#alias.detach()) {
      this.#region.aliases.delete(this.#alias);
      return 'revoked';
    }
    // The buffer goes on showing the region, so it stays among the aliases.
    this.#stillAlive = this.#kernel.keepAlias(this.#alias);
    return 'stuck';
  }
}
