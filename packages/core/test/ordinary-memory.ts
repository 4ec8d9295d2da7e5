import { onTestFinished } from 'vitest';
import { ownershipOf } from '../src/allocations.js';
import type { Allocator } from '../src/index.js';
import { NO_STORE } from '../src/sealing/associated-data.js';
import { TAG_BYTE_LENGTH } from '../src/sealing/cipher.js';
import { SealingKey } from '../src/sealing/sealing-key.js';
import { placeOf } from '../src/secret/secret.js';

/** A ciphertext in ordinary memory, where a stray write reaches it. */
export interface Ciphertext {
  readonly bytes: Uint8Array;
  /** The number of its seal, which `SealedSecret` remembers. */
  readonly counter: number;
}

const { seal } = SealingKey.prototype;

/** Every ciphertext that is made from now on, the newest last. */
export function watchCiphertexts(): Ciphertext[] {
  const found: Ciphertext[] = [];
  SealingKey.prototype.seal = function (...given): number {
    const counter = seal.apply(this, given);
    found.push({ bytes: given[2], counter });
    return counter;
  };
  onTestFinished(() => {
    SealingKey.prototype.seal = seal;
  });
  return found;
}

/** Opens `bytes` in the place of the ciphertext of a sealed secret, as if somebody had put them there; of any length. */
export function openInstead(memory: Allocator, counter: number, bytes: Uint8Array): void {
  using secret = memory.allocateSync(bytes.length - TAG_BYTE_LENGTH);
  ownershipOf(memory).sealingKey.unseal(counter, NO_STORE, bytes, placeOf(secret));
}
