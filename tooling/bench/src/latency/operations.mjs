import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';

/** Bytes of each secret. */
export const byteLength = 32;

/** So many operations at the most are performed without a look at the clock. */
export const togetherMax = 100;

/**
 * One operation, `count` times in a loop of its own. What it needs is made `before`, and what it leaves is released
 * `after`: neither is timed.
 * @typedef {object} Operation
 * @property {(count: number) => void | Promise<void>} run
 * @property {(count: number) => void} [before]
 * @property {(count: number) => void} [after]
 */

/** In the order of the page. */
export const operationNames = /** @type {const} */ (['create + destroy', 'read', 'seal', 'open']);

/** @typedef {typeof operationNames[number]} OperationName */

/**
 * The operations of an allocator. Where pages close at rest they do so once per turn of microtasks, so there each
 * operation has a turn of its own, and that turn is part of it.
 * @param {import('@securemem/core').Allocator} memory @param {boolean} turns
 * @returns {Record<OperationName, () => Operation>}
 */
export function operationsOf(memory, turns) {
  return {
    'create + destroy': () => ({
      async run(count) {
        for (let n = 0; n < count; n += 1) {
          memory.allocateSync(byteLength).dispose();
          if (turns) await undefined;
        }
      },
    }),
    read() {
      const secret = memory.randomSync(byteLength);
      let sum = 0;
      return {
        async run(count) {
          for (let n = 0; n < count; n += 1) {
            sum += secret.read((bytes) => bytes[0] ?? Number.NaN);
            if (turns) await undefined;
          }
          if (Number.isNaN(sum)) throw new Error('a read gave nothing');
        },
      };
    },
    seal() {
      /** @type {import('@securemem/core').Secret[]} */
      const secrets = new Array(togetherMax);
      /** @type {import('@securemem/core').SealedSecret[]} */
      const sealed = new Array(togetherMax);
      return {
        before(count) {
          for (let n = 0; n < count; n += 1) secrets[n] = memory.randomSync(byteLength);
        },
        async run(count) {
          for (let n = 0; n < count; n += 1) {
            sealed[n] = /** @type {import('@securemem/core').Secret} */ (secrets[n]).seal();
            if (turns) await undefined;
          }
        },
        after(count) {
          for (let n = 0; n < count; n += 1) sealed[n]?.dispose();
        },
      };
    },
    open() {
      const sealed = memory.randomSync(byteLength).seal();
      /** @type {import('@securemem/core').Secret[]} */
      const opened = new Array(togetherMax);
      return {
        async run(count) {
          for (let n = 0; n < count; n += 1) {
            opened[n] = memory.openSync(sealed);
            if (turns) await undefined;
          }
        },
        after(count) {
          for (let n = 0; n < count; n += 1) opened[n]?.dispose();
        },
      };
    },
  };
}

/** The same with plain Buffers, the key of the cipher among them. @returns {Record<OperationName, () => Operation>} */
export function operationsOfBuffer() {
  const key = randomFillSync(Buffer.alloc(byteLength));
  const nonce = Buffer.alloc(12);
  const plaintext = randomFillSync(Buffer.alloc(byteLength));
  return {
    'create + destroy': () => ({
      run(count) {
        for (let n = 0; n < count; n += 1) Buffer.alloc(byteLength).fill(0);
      },
    }),
    read() {
      let sum = 0;
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) sum += plaintext[0] ?? Number.NaN;
          if (Number.isNaN(sum)) throw new Error('a read gave nothing');
        },
      };
    },
    seal: () => ({
      run(count) {
        for (let n = 0; n < count; n += 1) {
          const cipher = createCipheriv('aes-256-gcm', key, randomFillSync(nonce));
          Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
        }
      },
    }),
    open() {
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      const tag = cipher.getAuthTag();
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) {
            const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(tag);
            Buffer.concat([decipher.update(ciphertext), decipher.final()]);
          }
        },
      };
    },
  };
}
