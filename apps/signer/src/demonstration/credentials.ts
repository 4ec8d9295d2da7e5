import { createHash } from 'node:crypto';
import type { ScratchMemory } from './scratch-memory.js';

const SECRET_BYTE_LENGTH = 64;
const OPENED = 2_000;
const CONCURRENCY = 50;

/** What a million credentials in a few locked pages showed. */
export interface CredentialsReport {
  readonly credentials: number;
  readonly byteLength: number;
  readonly opened: number;
  readonly correct: number;
  readonly lockedPeakByteLength: number;
  readonly loadMs: number;
  readonly openMs: number;
}

/**
 * Puts `count` credentials of 64 bytes into a store, and opens 2,000 at random, 50 at a time. Each credential is derived
 * from its number, so that every one that is opened can be compared with what it must be.
 */
export async function credentials(
  scratch: ScratchMemory,
  count: number,
  onProgress: (entries: number) => void,
): Promise<CredentialsReport> {
  const { memory } = scratch;
  const store = memory.store();
  let lockedPeakByteLength = 0;
  const look = (): void => {
    lockedPeakByteLength = Math.max(lockedPeakByteLength, scratch.lockedByteLength);
  };
  try {
    const startedAt = performance.now();
    const onEntries = ({ entries }: { readonly entries: number }): void => {
      look();
      onProgress(entries);
    };
    await store.load(generated(count), { onProgress: onEntries });
    const openingAt = performance.now();
    let correct = 0;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next++ < OPENED) {
        const index = Math.floor(Math.random() * count);
        const expected = credentialOf(index);
        if (await store.use(`user-${index}`, (secret) => secret.equals(expected))) correct++;
        look();
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, lane));
    const endedAt = performance.now();
    return {
      credentials: count,
      byteLength: count * SECRET_BYTE_LENGTH,
      opened: OPENED,
      correct,
      lockedPeakByteLength,
      loadMs: Math.round(openingAt - startedAt),
      openMs: Math.round(endedAt - openingAt),
    };
  } finally {
    store[Symbol.dispose]();
  }
}

function* generated(count: number): Generator<readonly [string, Uint8Array]> {
  for (let index = 0; index < count; index++) yield [`user-${index}`, credentialOf(index)];
}

/** Not a secret at all: it must be possible to say what it should be. */
function credentialOf(index: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(SECRET_BYTE_LENGTH));
  bytes.set(createHash('sha512').update(`credential ${index}`).digest());
  return bytes;
}
