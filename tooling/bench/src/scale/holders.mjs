import { createSecretKey } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { openBackend } from '../backends.mjs';
import { bareAddon } from '../bare-addon.mjs';

/** Bytes of each secret. */
export const byteLength = 32;

/**
 * One way to hold many secrets at the same time. `add` makes one more, from bytes; `release` ends them all.
 * @typedef {object} Holder
 * @property {(source: Uint8Array) => void} add
 * @property {() => void} release
 * @property {() => unknown} close
 */

/** @type {Record<string, (count: number) => Promise<Holder>>}
 */
export const holders = {
  'securemem-koffi': (count) => locked('securemem-koffi', count),
  'securemem-napi': (count) => locked('securemem-napi', count),
  'securemem-store': sealed,
  'sodium-native': sodiumNative,
  syscalls: pages,
  'key-object': (count) => ordinary(count, (source) => createSecretKey(source)),
  buffer: (count) =>
    ordinary(count, (source) => {
      const buffer = Buffer.alloc(byteLength);
      buffer.set(source);
      return buffer;
    }),
};

/** @param {string} subject @param {number} count @returns {Promise<Holder>} */
async function locked(subject, count) {
  const backend = await openBackend(subject);
  const memory = createAllocator({ backend });
  /** @type {import('@securemem/core').Secret[]} */
  const held = new Array(count);
  let live = 0;
  return {
    add(source) {
      const secret = memory.allocateSync(byteLength);
      secret.copyFrom(source);
      held[live++] = secret;
    },
    release() {
      while (live > 0) held[--live]?.dispose();
    },
    async close() {
      await memory.close();
      backend[Symbol.dispose]();
    },
  };
}

/** @param {number} count @returns {Promise<Holder>} */
async function sealed(count) {
  const backend = await openBackend('securemem-koffi');
  const memory = createAllocator({ backend });
  const store = memory.store();
  const names = Array.from({ length: count }, (_, i) => `s${i}`);
  return {
    add: (source) => store.setSync(String(names[store.size]), source),
    release: () => store.clear(),
    async close() {
      await memory.close();
      backend[Symbol.dispose]();
    },
  };
}

/** @param {number} count @returns {Promise<Holder>} */
async function sodiumNative(count) {
  const { default: sodium } = await import('sodium-native');
  /** @type {Buffer[]} */
  const held = new Array(count);
  let live = 0;
  return {
    add(source) {
      const buffer = sodium.sodium_malloc(byteLength);
      buffer.set(source);
      held[live++] = buffer;
    },
    release() {
      while (live > 0) sodium.sodium_free(/** @type {Buffer} */ (held[--live]));
    },
    close() {},
  };
}

/** A page for each by mmap and mlock, and nothing else: no guard pages, no wipe, nothing in JavaScript. */
async function pages() {
  const { holdPage, releasePages } = bareAddon();
  return { add: holdPage, release: releasePages, close() {} };
}

/**
 * What JavaScript holds by itself; the collector ends it.
 * @param {number} count @param {(source: Uint8Array) => unknown} make @returns {Promise<Holder>}
 */
async function ordinary(count, make) {
  /** @type {unknown[]} */
  const held = new Array(count);
  let live = 0;
  return {
    add(source) {
      held[live++] = make(source);
    },
    release() {
      held.fill(undefined);
      live = 0;
    },
    close() {},
  };
}
