import { randomPrivateKey, sign } from '../signing.mjs';

/** About 300 microseconds of processor time, the same work each time: whoever shares a processor takes longer for it. */
const STEPS = 300_000;

/** @returns {Uint8Array} */
function work() {
  let state = 1;
  for (let n = 0; n < STEPS; n += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return new Uint8Array([state]);
}

/**
 * A keeper that sends back what it gets, works for a while, and signs with a key of its own.
 * @param {() => import('@securemem/core').MemoryBackend} backend
 * @returns {import('@securemem/keeper').KeeperDefinition<import('@securemem/core').Secret>}
 */
export function keeperOf(backend) {
  return {
    backend,
    provision: ({ memory }) => randomPrivateKey(memory),
    operations: {
      echo: (payload) => payload,
      work,
      sign: (digest, { state }) => sign(state, digest),
    },
  };
}
