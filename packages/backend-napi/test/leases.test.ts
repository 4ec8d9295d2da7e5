import { fileURLToPath } from 'node:url';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { runChild } from './children.js';
import { testBuild } from './native-build.js';

const built = testBuild();
const ADDON = fileURLToPath(new URL('../build/test/test_addon.node', import.meta.url));

describe('asynchronous native work on a view', () => {
  it('G7 memory stays put until the operation settles, though every wrapper was collected', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const ended = runChild(
      `
      const { slowDigest } = require(${JSON.stringify(ADDON)});
      const backend = napiBackend();
      const region = backend.map(4096);
      const digest = (bytes) => {
        let value = 2166136261;
        for (const byte of bytes) value = Math.imul(value ^ byte, 16777619) >>> 0;
        return value;
      };
      // The view is made in a function of its own, so that nothing but the operation refers to it.
      const start = (i) => {
        const view = backend.openView(region, (i % 32) * 64, 64);
        for (let k = 0; k < 64; k++) view.bytes[k] = i + k;
        return { expected: digest(view.bytes), promise: slowDigest(view.bytes, 20) };
      };
      let wrong = 0;
      for (let i = 0; i < ${repetitions(200)}; i++) {
        const { expected, promise } = start(i);
        let settled = false;
        promise.then(() => { settled = true; });
        while (!settled) {
          gc();
          Buffer.alloc(1 << 20, i);
          await turn();
        }
        if (await promise !== expected) wrong += 1;
      }
      // The views were never closed: the region may go once the last of their buffers is garbage.
      for (;;) {
        try {
          backend.unmap(region);
          break;
        } catch (error) {
          if (error.code !== 'ERR_SECMEM_IN_USE') throw error;
          gc();
          await turn();
        }
      }
      say({ wrong, locked: status('VmLck') });
    `,
      { nodeOptions: ['--expose-gc'] },
    );
    expect(ended.stderr).toBe('');
    expect(ended.result).toEqual({ wrong: 0, locked: 0 });
  }, 60_000);
});
