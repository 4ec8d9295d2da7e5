import type { SealingKeyForm } from '../placement/key-form.js';
import type { Region } from '../placement/region.js';

/** Keys that can be there at once; on a page of 4 KiB they and one place to work in fill it. */
export const KEYS_MAX = 127;

/** Regions of their own in which sealing keys rest, each in a slot. */
export interface KeyPages {
  readonly form: SealingKeyForm;
  /** Of all its regions, in bytes. */
  readonly byteLength: number;
  /** Keys that fit. */
  readonly slots: number;
  /** A protection of theirs is gone, by the last look at the kernel. */
  readonly lost: boolean;
  /** Puts a random key into a free slot. After a throw the slot holds no key. */
  makeKey(slot: number): void;
  /** Lends the whole key at an offset of a region, for the length of `work`, in which no code of a caller may run. */
  withKey<T>(slot: number, work: (region: Region, byteOffset: number) => T): T;
  /** Changes what lies in these slots, and no key. */
  shareAnew(slots: readonly number[]): void;
  wipe(slot: number): void;
  /** Wipes all of it and gives it back; false where the system keeps some. */
  release(): boolean;
}
