import { zero } from '../contract/zero.js';
import type { CanaryFinding } from '../telemetry/events.js';
import { canaryBytes, endsWithCanary } from './canary.js';
import { PlaceHost } from './place-host.js';
import type { Region } from './region.js';
import { CANARY_BYTE_LENGTH, pagesByteLength } from './size-classes.js';

/** What an own region tells whoever placed it. */
export interface OwnRegionOwner {
  /** The secret is gone and its bytes are wiped; the region may be used for something else. */
  onVacant(host: OwnRegion): void;
}

/**
 * A region with one secret in it.
 *
 * The content lies right-aligned, so that the guard after it begins at the very next byte; before it, in the slack of the
 * first page, stands a canary. Where the backend has no guards, a canary stands after it as well.
 */
export class OwnRegion extends PlaceHost {
  readonly #owner: OwnRegionOwner;
  readonly #trailing: number;

  /** Precondition: the region reads zero and is as large as `byteLengthFor` says. */
  constructor(region: Region, byteLength: number, owner: OwnRegionOwner) {
    super(region, 'own', 1);
    this.#owner = owner;
    this.#trailing = trailingByteLength(region.backend.capabilities.guardPages);
    this.beginUse(0, byteLength);
    region.idle = false;
    this.repair();
  }

  /** Bytes of the region that a secret of `byteLength` bytes needs, in whole pages. */
  static byteLengthFor(byteLength: number, pageByteLength: number, guardPages: boolean): number {
    return pagesByteLength(byteLength + trailingByteLength(guardPages), pageByteLength);
  }

  /** Of the content, once its length is known to be `byteLength`. */
  byteOffsetFor(byteLength: number): number {
    return this.region.byteLength - this.#trailing - byteLength;
  }

  byteOffsetOf(): number {
    return this.byteOffsetFor(this.byteLengthOf(0));
  }

  examine(): CanaryFinding | undefined {
    const before = !endsWithCanary(this.#read(this.byteOffsetOf() - this.#leading, this.#leading));
    const after = !endsWithCanary(
      this.#read(this.region.byteLength - this.#trailing, this.#trailing),
    );
    return before || after ? { before, after } : undefined;
  }

  repair(): void {
    const canary = canaryBytes();
    this.region.write(this.byteOffsetOf() - this.#leading, canary.subarray(8 - this.#leading));
    this.region.write(this.region.byteLength - this.#trailing, canary.subarray(8 - this.#trailing));
  }

  release(): CanaryFinding | undefined {
    let finding: CanaryFinding | undefined;
    let reusable = false;
    try {
      try {
        finding = this.examine();
      } finally {
        // What cannot be examined is wiped all the same.
        this.#end();
      }
      reusable = finding === undefined && !this.condemned?.has(0);
    } finally {
      if (!reusable) this.quarantined++;
    }
    if (reusable) this.#owner.onVacant(this);
    return finding;
  }

  quarantine(): void {
    try {
      this.#end();
    } finally {
      this.quarantined++;
    }
  }

  readmit(): void {
    this.quarantined--;
    this.#end(false);
    this.#owner.onVacant(this);
  }

  /** Shrinks only, and moves the content so that it ends at the guard again. */
  setByteLength(_index: number, byteLength: number): boolean {
    const before = this.byteLengthOf(0);
    if (byteLength > before) return false;
    const { region } = this;
    const bytes = region.bytes('read-write');
    const from = this.byteOffsetFor(before);
    const to = this.byteOffsetFor(byteLength);
    if (bytes === undefined) this.#moveThroughBackend(from, to, byteLength);
    else bytes.copyWithin(to, from, from + byteLength);
    this.notes[1] = byteLength;
    if (bytes !== undefined) this.repair();
    region.wipe(0, to - this.#leading);
    return true;
  }

  /** How much of a canary fits before the content. */
  get #leading(): number {
    return Math.min(CANARY_BYTE_LENGTH, this.byteOffsetOf());
  }

  /** The use ends also where the backend cannot wipe; then the region is not used again. */
  #end(inUse = true): void {
    if (inUse) this.endUse(0);
    this.region.wipe(0, this.region.byteLength);
  }

  /** The content and the canary before it go in one write, so that a failing one leaves all as it was. */
  #moveThroughBackend(from: number, to: number, byteLength: number): void {
    const { backend } = this.region;
    const leading = Math.min(CANARY_BYTE_LENGTH, to);
    const copy = new Uint8Array(new ArrayBuffer(leading + byteLength));
    try {
      copy.set(canaryBytes().subarray(CANARY_BYTE_LENGTH - leading));
      backend.read(this.region.id, from, copy.subarray(leading));
      backend.write(this.region.id, to - leading, copy);
    } finally {
      zero(copy);
    }
  }

  #read(byteOffset: number, byteLength: number): Uint8Array {
    const copy = new Uint8Array(new ArrayBuffer(byteLength));
    this.region.read(byteOffset, copy);
    return copy;
  }
}

function trailingByteLength(guardPages: boolean): number {
  return guardPages ? 0 : CANARY_BYTE_LENGTH;
}
