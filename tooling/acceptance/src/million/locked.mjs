import { createAllocator } from '@securemem/core';
import { openBackend } from '../backends.mjs';
import {
  BYTE_LENGTH,
  memoryInUse,
  observer,
  progress,
  scratch,
  shuffled,
  sliceTimes,
  write,
} from './observe.mjs';

/** @typedef {{ backend: string, sealed: boolean, secrets: number, quiet: boolean }} Task */

/**
 * Every secret locked and live: allocated and written, verified, and released in random order.
 * @param {Task} task
 */
export async function runLocked({ backend: name, secrets: count, quiet }) {
  const backend = openBackend(name);
  const show = progress(quiet);
  const memory = createAllocator({ backend, budget: { raiseLimit: needsMore(backend, count) } });
  const bytes = scratch();
  // Handles are counted without the list that this program keeps them in.
  const secrets = new Array(count).fill(undefined);
  const before = memoryInUse();
  const seen = observer();
  const times = sliceTimes(count);
  for (let i = 0; i < count; i++) {
    const secret = memory.allocateSync(BYTE_LENGTH);
    secret.copyFrom(write(bytes, i));
    secrets[i] = secret;
    times.note(i + 1);
    if ((i + 1) % times.slice !== 0) continue;
    seen.sample();
    show('allocated', i + 1);
    times.restart();
  }
  const lockedByteLength = seen.locked();
  const { heapByteLength } = memoryInUse();

  let verified = 0;
  for (let i = 0; i < count; i++) if (secrets[i].equals(write(bytes, i))) verified++;
  show('verified', verified);

  let released = 0;
  for (const i of shuffled(count)) {
    secrets[i].dispose();
    if (++released % Math.max(1, Math.floor(count / 100)) === 0) seen.sample();
  }
  await memory.close();
  backend[Symbol.dispose]();
  return {
    secrets: count,
    byteLengthEach: BYTE_LENGTH,
    lockedByteLength,
    lockedByteLengthPerSecret: lockedByteLength / count,
    mapsAdded: seen.peak.mapsAdded,
    firstSliceNs: times.first,
    lastSliceNs: times.last,
    heapByteLengthPerSecret: (heapByteLength - before.heapByteLength) / count,
    verified,
    lockedByteLengthAfter: seen.locked(),
  };
}

/**
 * Whether the limit in force is too small: the allocator raises it then, as far as the system lets it.
 * @param {import('@securemem/core/contract').MemoryBackend} backend @param {number} count
 */
function needsMore(backend, count) {
  const limit = backend.lockLimit();
  return limit.kind === 'bytes' && limit.byteLength < count * 80;
}
