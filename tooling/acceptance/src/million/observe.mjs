import { lockedByteLength, mappings } from '../kernel-facts.mjs';

/** A tenth of the secrets, whose time is compared: the first 100,000 of a million with the last. */
export const SLICES = 10;
export const BYTE_LENGTH = 64;

/** What the kernel counts of this process beyond what it had at the beginning, and the most that was seen of it. */
export function observer() {
  const lockedAtStart = lockedByteLength();
  const mappingsAtStart = mappings();
  const peak = { mapsAdded: 0, lockedByteLength: 0 };
  const locked = () => {
    const now = lockedByteLength() - lockedAtStart;
    peak.lockedByteLength = Math.max(peak.lockedByteLength, now);
    return now;
  };
  return {
    peak,
    locked,
    sample() {
      peak.mapsAdded = Math.max(peak.mapsAdded, mappings() - mappingsAtStart);
      locked();
    },
  };
}

/** Secrets between two looks at the clock. */
const BATCH = 1_000;

/** Processor time of this process, in ns. What others on the machine take is not in it. */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/**
 * What one secret of each tenth takes, in ns of processor time: the median over batches of a thousand, so that a collection
 * of garbage that falls into a tenth is not taken for a cost that grows.
 * @param {number} count
 */
export function sliceTimes(count) {
  const slice = Math.max(1, Math.floor(count / SLICES));
  /** @type {number[][]} */
  const times = Array.from({ length: SLICES }, () => []);
  let startedAt = processorTime();
  let since = 0;
  const median = (/** @type {number[]} */ values) =>
    values.sort((a, b) => a - b)[values.length >> 1];
  return {
    slice,
    /** Some more are done. @param {number} done */
    note(done) {
      if (done - since < BATCH && done % slice !== 0) return;
      const now = processorTime();
      const at = Math.min(SLICES - 1, Math.floor((done - 1) / slice));
      times[at]?.push((now - startedAt) / (done - since));
      since = done;
      startedAt = processorTime();
    },
    /** Time that belongs to nobody has passed. */
    restart() {
      startedAt = processorTime();
    },
    get first() {
      return median(times[0] ?? []);
    },
    get last() {
      return median(times[SLICES - 1] ?? []);
    },
  };
}

/** Bytes in use after a full collection. */
export function memoryInUse() {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run it with --expose-gc');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { heapByteLength: heapUsed, ordinaryByteLength: heapUsed + external };
}

/**
 * The bytes of the secret with this index: no two are alike.
 * @param {Uint8Array} bytes @param {number} index
 */
export function write(bytes, index) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, BYTE_LENGTH / 4);
  let state = (index + 1) >>> 0;
  for (let i = 0; i < words.length; i++) {
    // Marsaglia, "Xorshift RNGs" (2003): a full cycle, so that distinct indices give distinct first words.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return bytes;
}

/** Scratch outside V8's moving heap. */
export function scratch() {
  return new Uint8Array(new ArrayBuffer(BYTE_LENGTH));
}

/**
 * The numbers below `count` in an order that is the same in every run.
 * @param {number} count
 */
export function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 0x9e3779b9;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = Math.floor((state / 4_294_967_296) * (i + 1));
    const [a, b] = [Number(order[i]), Number(order[j])];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

/**
 * One line that rewrites itself, on a terminal only.
 * @param {boolean} quiet
 */
export function progress(quiet) {
  const shown = process.stderr.isTTY && !quiet;
  return (/** @type {string} */ what, /** @type {number} */ done) => {
    if (shown) process.stderr.write(`\r\x1b[K${what} ${done.toLocaleString('en')}`);
  };
}
