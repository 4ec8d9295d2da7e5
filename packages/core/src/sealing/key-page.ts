import { randomFillSync } from 'node:crypto';
import { zero } from '../contract/zero.js';
import type { Region } from '../placement/region.js';
import { KEY_BYTE_LENGTH } from './cipher.js';
import { KEYS_MAX, type KeyPages } from './key-pages.js';

/** Keys as they are, in one region that only the cipher opens: for backends that show no bytes of their pages, and small budgets. */
export class KeyPage implements KeyPages {
  readonly form = 'one-page';
  readonly #region: Region;

  constructor(region: Region) {
    this.#region = region;
  }

  get byteLength(): number {
    return this.#region.byteLength;
  }

  get slots(): number {
    return Math.min(KEYS_MAX, Math.floor(this.byteLength / KEY_BYTE_LENGTH));
  }

  get lost(): boolean {
    return this.#region.losses !== undefined;
  }

  makeKey(slot: number): void {
    const { id, backend } = this.#region;
    const scratch = new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH));
    this.#region.enter('write');
    try {
      backend.write(id, slot * KEY_BYTE_LENGTH, randomFillSync(scratch));
    } finally {
      zero(scratch);
      this.#region.leave('write');
      this.#region.close();
    }
  }

  withKey<T>(slot: number, work: (region: Region, byteOffset: number) => T): T {
    return work(this.#region, slot * KEY_BYTE_LENGTH);
  }

  /** There is nothing to share. */
  shareAnew(): void {}

  wipe(slot: number): void {
    this.#region.wipe(slot * KEY_BYTE_LENGTH, KEY_BYTE_LENGTH);
  }

  release(): boolean {
    return this.#region.owner.unmap(this.#region);
  }
}
