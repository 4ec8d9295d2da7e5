import { createAllocator } from '@securemem/core';
import { forEveryBackend } from './backends.mjs';

/**
 * Accesses to a secret of 32 bytes whose pages are protected at rest, each in a turn of its own: pages close once per turn of
 * microtasks, so without a turn between two accesses the loop would toggle only once.
 * @param {'read' | 'write'} operation @param {'read-only' | 'no-access'} atRest
 */
export function accessInTurns(operation, atRest) {
  return forEveryBackend((backend) => {
    const memory = createAllocator({ backend, atRest });
    const secret = memory.randomSync(32);
    return {
      run: operation === 'read' ? readsOf(secret) : writesOf(secret),
      close: () => memory.close(),
    };
  });
}

/** @param {import('@securemem/core').Secret} secret */
function readsOf(secret) {
  let sum = 0;
  return async (/** @type {number} */ count) => {
    for (let n = 0; n < count; n += 1) {
      sum += secret.read((bytes) => bytes[0] ?? 0);
      await undefined;
    }
    if (Number.isNaN(sum)) throw new Error('a read gave nothing');
  };
}

/** @param {import('@securemem/core').Secret} secret */
function writesOf(secret) {
  const store = (/** @type {Uint8Array} */ bytes) => {
    bytes[0] = 1;
  };
  return async (/** @type {number} */ count) => {
    for (let n = 0; n < count; n += 1) {
      secret.write(store);
      await undefined;
    }
  };
}
