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

/** How many of the inputs of a target with a grammar are new ones; of those of any other, one in sixteen is. */
const MADE_SHARE = 7 / 8;

/**
 * A new input: one of the corpus with a few changes, or one that is altogether new, with none or a few.
 * @param {Random} random
 * @param {readonly Uint8Array[]} corpus
 * @param {Pick<import('./target.mjs').TargetDefinition, 'byteLengthMax' | 'make'>} definition
 * @returns {Uint8Array}
 */
export function nextInput(random, corpus, { byteLengthMax, make }) {
  if (corpus.length === 0 || random.chance(make === undefined ? 1 / 16 : MADE_SHARE)) {
    if (make === undefined) return random.noise(random.below(byteLengthMax + 1));
    const changes = random.of([0, 0, 1, 2]);
    return changed(make(random), changes, random, corpus).subarray(0, byteLengthMax);
  }
  const changes = 1 + random.below(6);
  return changed(random.of(corpus), changes, random, corpus).subarray(0, byteLengthMax);
}

/** @param {Uint8Array} input @param {number} changes @param {Random} random @param {readonly Uint8Array[]} corpus */
function changed(input, changes, random, corpus) {
  const bytes = [...input];
  const other = corpus.length > 0 ? random.of(corpus) : input;
  for (let left = changes; left > 0; left -= 1) random.of(CHANGES)(bytes, random, other);
  return Uint8Array.from(bytes);
}
