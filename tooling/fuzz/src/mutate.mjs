/** @typedef {import('./random.mjs').Random} Random */

/** Bytes at which lengths, signs and counts turn over. */
const INTERESTING = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 63, 64, 127, 128, 200, 254, 255];

/** @type {readonly ((bytes: number[], random: Random, other: Uint8Array) => void)[]} */
const CHANGES = [
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  },
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.of(INTERESTING);
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    if (bytes.length > 0)
      bytes[at % bytes.length] = Number(bytes[at % bytes.length]) ^ (1 << random.below(8));
  },
  (bytes, random) => {
    if (bytes.length === 0) return;
    const at = random.below(bytes.length);
    bytes[at] = (Number(bytes[at]) + (random.below(2) === 0 ? 1 : 255)) & 255;
  },
  (bytes, random) => {
    bytes.splice(random.below(bytes.length + 1), random.below(8));
  },
  (bytes, random) => {
    const made = Array.from({ length: 1 + random.below(12) }, () => random.below(256));
    bytes.splice(random.below(bytes.length + 1), 0, ...made);
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const part = bytes.slice(at, at + 1 + random.below(24));
    bytes.splice(random.below(bytes.length + 1), 0, ...part);
  },
  (bytes, random, other) => {
    const at = random.below(other.length + 1);
    const part = other.slice(at, at + 1 + random.below(48));
    bytes.splice(random.below(bytes.length + 1), random.below(part.length + 1), ...part);
  },
];

/**
 * A new input: one of the corpus with a few changes, or now and then something altogether random.
 * @param {Random} random
 * @param {readonly Uint8Array[]} corpus
 * @param {number} byteLengthMax
 * @returns {Uint8Array}
 */
export function nextInput(random, corpus, byteLengthMax) {
  if (corpus.length === 0 || random.below(16) === 0) {
    const made = Array.from({ length: random.below(byteLengthMax + 1) }, () => random.below(256));
    return bytesOf(made);
  }
  const bytes = [...random.of(corpus)];
  const other = random.of(corpus);
  for (let left = 1 + random.below(6); left > 0; left -= 1)
    random.of(CHANGES)(bytes, random, other);
  return bytesOf(bytes.slice(0, byteLengthMax));
}

/** @param {readonly number[]} values */
function bytesOf(values) {
  const bytes = new Uint8Array(new ArrayBuffer(values.length));
  bytes.set(values);
  return bytes;
}
