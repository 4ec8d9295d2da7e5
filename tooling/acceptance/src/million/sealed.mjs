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

const USERS = 50;
const OPENS = 10_000;

/**
 * Every secret sealed in ordinary memory, and a few open at a time.
 * @param {import('./locked.mjs').Task} task
 */
export async function runSealed({ backend: name, secrets: count, quiet }) {
  const backend = openBackend(name);
  const show = progress(quiet);
  const memory = createAllocator({ backend });
  const names = Array.from({ length: count }, (_, i) => `s${i}`);
  const order = shuffled(count);
  const before = memoryInUse();
  const seen = observer();
  const store = memory.store();
  const times = await load(store, names, (loaded) => {
    seen.sample();
    show('sealed', loaded);
  });
  const lockedByteLength = seen.locked();
  const after = memoryInUse();

  const { opened, openedCorrectly } = await openAtOnce(store, names, order, seen.locked);
  const coldOpenNsMedian = await coldOpen(store, names, order);
  const bytes = scratch();
  let verified = 0;
  for (const [i, each] of names.entries()) {
    if (store.useSync(each, (secret) => secret.equals(write(bytes, i)))) verified++;
    if (i % 10_000 === 0) seen.sample();
  }
  show('verified', verified);
  for (const [released, i] of order.entries()) {
    store.delete(String(names[i]));
    if (released % 10_000 === 0) seen.sample();
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
    heapByteLengthPerSecret: (after.heapByteLength - before.heapByteLength) / count,
    verified,
    lockedByteLengthAfter: seen.locked(),
    sealed: true,
    opened,
    openedCorrectly,
    peakLockedByteLength: seen.peak.lockedByteLength,
    ordinaryByteLengthPerSecret: (after.ordinaryByteLength - before.ordinaryByteLength) / count,
    coldOpenNsMedian,
  };
}

/**
 * Loads a tenth after the other, and says what one secret of each took.
 * @param {import('@securemem/core').SecretStore} store @param {readonly string[]} names
 * @param {(loaded: number) => void} onSlice
 */
async function load(store, names, onSlice) {
  const bytes = scratch();
  const times = sliceTimes(names.length);
  for (let from = 0; from < names.length; from += times.slice) {
    const to = Math.min(names.length, from + times.slice);
    times.restart();
    await store.load(
      (function* () {
        // A source is sealed and wiped before the next is asked for, so one buffer serves all.
        for (let i = from; i < to; i++) {
          if (i > from) times.note(i);
          yield [String(names[i]), write(bytes, i)];
        }
      })(),
    );
    times.note(to);
    onSlice(to);
  }
  return times;
}

/**
 * 10,000 uses of random secrets by 50 users at once, each of which keeps its secret open across turns of the loop.
 * @param {import('@securemem/core').SecretStore} store @param {readonly string[]} names
 * @param {Uint32Array} order @param {() => number} locked
 */
async function openAtOnce(store, names, order, locked) {
  let next = 0;
  let opened = 0;
  let openedCorrectly = 0;
  const user = async () => {
    const bytes = scratch();
    while (next < OPENS) {
      const i = Number(order[next++ % order.length]);
      await store.use(String(names[i]), async (secret) => {
        opened++;
        locked();
        await new Promise((resolve) => setImmediate(resolve));
        if (secret.equals(write(bytes, i))) openedCorrectly++;
      });
    }
  };
  await Promise.all(Array.from({ length: USERS }, user));
  return { opened, openedCorrectly };
}

/**
 * The median time of opening a secret that is not open, reading one byte and closing it.
 * @param {import('@securemem/core').SecretStore} store @param {readonly string[]} names @param {Uint32Array} order
 */
async function coldOpen(store, names, order) {
  let sum = 0;
  const times = [];
  for (let n = 0; n < OPENS; n++) {
    const each = String(names[Number(order[order.length - 1 - (n % order.length)])]);
    const startedAt = process.hrtime.bigint();
    await store.use(each, (secret) => {
      secret.read((bytes) => {
        sum += Number(bytes[0]);
      });
    });
    times.push(Number(process.hrtime.bigint() - startedAt));
  }
  if (Number.isNaN(sum)) throw new Error('a read gave nothing');
  return times.sort((a, b) => a - b)[times.length >> 1];
}
