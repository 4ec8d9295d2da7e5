import { createSecretKey } from 'node:crypto';

const byteLength = 32;
/** So many are live at the same time. */
export const width = 1000;

/** A turn of the loop in which finalizers run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * What a thousand secrets live at the same time are compared with. `count` is a multiple of a thousand.
 * @type {Record<string, import('./case.d.mts').OpenLoop>}
 */
export const peers = {
  'sodium-native': async () => {
    const { default: sodium } = await import('sodium-native');
    return {
      countUnit: width,
      countMax: width,
      run() {
        const held = Array.from({ length: width }, () => sodium.sodium_malloc(byteLength));
        for (const buffer of held) sodium.sodium_free(buffer);
      },
      // It unmaps in later turns; without them the mappings of two runs would add up.
      settle: async () => {
        await turn();
        await turn();
      },
    };
  },
  'key-object': () => {
    const source = Buffer.alloc(byteLength, 9);
    return held(() => createSecretKey(source));
  },
  buffer: () =>
    held(
      () => Buffer.alloc(byteLength),
      (buffer) => buffer.fill(0),
    ),
};

/**
 * @template T
 * @param {() => T} allocate @param {(one: T) => void} [release]
 * @returns {import('./case.d.mts').Loop}
 */
export function held(allocate, release) {
  return {
    countUnit: width,
    run(count) {
      for (let n = 0; n < count; n += width) {
        const all = Array.from({ length: width }, allocate);
        if (release !== undefined) for (const one of all) release(one);
      }
    },
  };
}
