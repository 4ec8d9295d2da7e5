import type { PlaceHost } from './place-host.js';

/** What knows which gaps lie side by side. */
export interface GapKeeper {
  /** A gap that only a canary parts from this one, and that suits. */
  neighbourOf(gap: Gap, suits: (other: Gap) => boolean): Gap | undefined;
  /** One gap of two that lie side by side; undefined, and both out of use, where that cannot be done. */
  join(one: Gap, other: Gap): Gap | undefined;
}

/** A slab in which lengths are mixed. */
export interface GapHost extends PlaceHost {
  readonly extents: GapKeeper | undefined;
  /** Takes the head of a gap of this slab; `rest` is what remains of it. After a throw nothing has changed. */
  takeGap(gap: Gap, byteLength: number): { readonly index: number; readonly rest: Gap | undefined };
}

/** A free run of bytes in a mixed slab: it reads zero, and a canary stands before and after it. */
export class Gap {
  readonly host: GapHost;
  /** Where it begins and ends, in bytes from the start of the region; both are multiples of 8. */
  readonly from: number;
  readonly to: number;
  /** A part of it was shown through a view: whoever kept a raw pointer may still touch it. */
  readonly shown: boolean;
  /** Where it stands in its bin; -1 while it can not be taken. */
  position = -1;

  constructor(host: GapHost, from: number, to: number, shown: boolean) {
    this.host = host;
    this.from = from;
    this.to = to;
    this.shown = shown;
  }

  get byteLength(): number {
    return this.to - this.from;
  }
}
