import { randomPrivateKey, sign } from '../signing.mjs';

/**
 * A keeper that sends back what it gets, and signs with a key of its own.
 * @param {() => import('@securemem/core').MemoryBackend} backend
 * @returns {import('@securemem/keeper').KeeperDefinition<import('@securemem/core').Secret>}
 */
export function keeperOf(backend) {
  return {
    backend,
    provision: ({ memory }) => randomPrivateKey(memory),
    operations: {
      echo: (payload) => payload,
      sign: (digest, { state }) => sign(state, digest),
    },
  };
}
