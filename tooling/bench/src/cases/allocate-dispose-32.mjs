import { createSecretKey } from 'node:crypto';
import { createAllocator } from '@securemem/core';
import { forEachBackend } from '../backends.mjs';
import { bareAddon } from '../bare-addon.mjs';

const byteLength = 32;
/** sodium-native keeps a finalizer for each buffer and aborts the process when too many are pending. */
const sodiumCountMax = 500;

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'allocate-dispose-32',
  what: '32 bytes allocated and disposed, default options',
  subjects: {
    ...forEachBackend((backend) => {
      const memory = createAllocator({ backend });
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) memory.allocateSync(byteLength).dispose();
        },
        close: () => memory.close(),
      };
    }),
    'sodium-native': async () => {
      const { default: sodium } = await import('sodium-native');
      return {
        countMax: sodiumCountMax,
        run(count) {
          for (let n = 0; n < count; n += 1) sodium.sodium_free(sodium.sodium_malloc(byteLength));
        },
        settle: () => new Promise((resolve) => setImmediate(resolve)),
      };
    },
    // Nobody can dispose one: the collector does, when it gets to it.
    'key-object': () => {
      const source = Buffer.alloc(byteLength, 9);
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) createSecretKey(source);
        },
      };
    },
    // What a page of one's own costs at the least: mmap, mlock, munlock, munmap.
    syscalls: () => {
      const { mapLockPair } = bareAddon();
      return {
        run(count) {
          for (let n = 0; n < count; n += 1) mapLockPair();
        },
      };
    },
    buffer: () => ({
      run(count) {
        for (let n = 0; n < count; n += 1) Buffer.alloc(byteLength).fill(0);
      },
    }),
  },
  targets: [
    {
      subject: 'securemem-koffi',
      atMost: [{ times: 2, name: 'allocate-dispose-32', subject: 'buffer' }],
    },
    {
      subject: 'securemem-koffi',
      atMost: [{ times: 1 / 100, name: 'allocate-dispose-32', subject: 'sodium-native' }],
    },
    {
      subject: 'securemem-napi',
      atMost: [{ times: 1, name: 'allocate-dispose-32', subject: 'buffer' }],
    },
    {
      subject: 'securemem-napi',
      atMost: [{ times: 1 / 200, name: 'allocate-dispose-32', subject: 'sodium-native' }],
    },
  ],
};
