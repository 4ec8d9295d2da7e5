import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

interface Refused {
  code: string;
  errno: number;
  message: string;
  limit: string;
  remedy: string;
}

interface Full {
  opening?: Refused;
  probed: string;
  mapping?: Refused;
  same: number;
  hidden: boolean[];
}

describe('P08 while no descriptor is left', () => {
  it.for(['napi', 'koffi-hidden', 'ffi-hidden'])(
    'P08 %s says so, and is no weaker afterwards',
    { timeout: 120_000 },
    async (backend, context) => {
      const found = ended(await runScenario<Full>(context, 'descriptors:full', backend));
      if (found.hidden[0] !== true) context.skip('not proven: no memfd_secret pages here');
      expect(found.opening).toMatchObject({
        code: 'ERR_SECMEM_BACKEND_UNAVAILABLE',
        message: expect.stringContaining('no file descriptor is left'),
        limit: 'descriptors',
        remedy: expect.stringContaining('ulimit -n'),
      });
      expect(found.probed).toContain('no file descriptor is left');
      expect(found.mapping).toMatchObject({
        code: 'ERR_SECMEM_OUT_OF_MEMORY',
        message: expect.stringMatching(/no file descriptor is left.*ulimit -n/),
        limit: 'descriptors',
        remedy: expect.stringContaining('ulimit -n'),
      });
      expect([found.same, found.hidden]).toEqual([32, [true, true]]);
    },
  );
});
