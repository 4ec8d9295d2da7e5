/**
 * Lengths as programs keep them, in bytes.
 *
 * @typedef {() => number} Random from 0 to 1
 * @typedef {{ name: string, lengthOf: (random: Random) => number }} Mix
 */

/** The same sequence for the same seed: Mulberry32. @param {number} seed @returns {Random} */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Both ends included. @param {Random} random @param {number} low @param {number} high */
export const between = (random, low, high) => low + Math.floor(random() * (high - low + 1));

/** @type {readonly Mix[]} */
export const mixes = [
  { name: 'one length, 32', lengthOf: () => 32 },
  { name: '8 to 64', lengthOf: (random) => between(random, 8, 64) },
  { name: '8 to 200', lengthOf: (random) => between(random, 8, 200) },
  {
    name: 'passwords of 12 to 40, a fifth tokens of 60 to 1,200',
    lengthOf: (random) => (random() < 0.8 ? between(random, 12, 40) : between(random, 60, 1200)),
  },
  { name: '1 to 2,047, short ones mostly', lengthOf: (random) => Math.floor(2 ** (random() * 11)) },
  { name: 'keys and tokens of 300 to 3,499', lengthOf: (random) => between(random, 300, 3499) },
];
