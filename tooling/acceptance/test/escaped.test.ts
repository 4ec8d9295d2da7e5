import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const ESCAPED = 'ERR_SECMEM_VIEW_ESCAPED';

/** Whether the backend learns when what was taken is garbage; koffi never does, and keeps the slot for good. */
const BACKENDS = [
  ['koffi', false],
  ['napi', true],
  ['napi-mlock', true],
] as const;

const PLACES = [
  ['a slot', 40],
  ['a region of its own', 4096],
] as const;

/** What this Node can take a buffer away with, beside byte streams: before version 22 nothing. */
const OTHER_WAYS = 'transfer' in ArrayBuffer.prototype ? (['transfer'] as const) : [];

interface Options {
  readonly byteLength: number;
  readonly way: 'stream' | 'transfer';
  readonly atRest?: 'accessible' | 'no-access';
  readonly lies?: boolean;
}

const run = async (context: TestContext, name: string, backend: string, given: Options) => {
  const options = { atRest: 'accessible', ...given };
  const scenario = { execArgv: ['--expose-gc'], options };
  return ended(await runScenario(context, `escaped:${name}`, backend, scenario));
};

/** Nothing of the place is lost and nobody shares it; where the backend cannot tell, it stays out of use. */
const atTheEnd = (exact: boolean) => ({ left: exact ? 0 : 1, lost: exact ? 0 : 1, shared: 0 });

const bothTaken = (exact: boolean) => ({
  outcomes: [ESCAPED, ESCAPED],
  slots: 1,
  heldBack: 1,
  shown: 0,
  ...atTheEnd(exact),
});

const oneTaken = (exact: boolean) => ({
  outcomes: [ESCAPED, 'revoked'],
  slots: 1,
  heldBack: 1,
  shown: false,
  damaged: 0,
  ...atTheEnd(exact),
});

describe.each(BACKENDS)('a secret that is lent twice, %s', (backend, exact) => {
  for (const [place, byteLength] of PLACES) {
    it(`Z7 X15 ${place} goes to nobody while what was taken of both leases lives, and to one after`, async (context) => {
      const options = { byteLength, way: 'stream' } as const;
      expect(await run(context, 'bothTaken', backend, options)).toEqual(bothTaken(exact));
    });

    it(`Z7 X15 ${place} goes to nobody under one lease when what was taken of the other is garbage`, async (context) => {
      const options = { byteLength, way: 'stream' } as const;
      expect(await run(context, 'oneTaken', backend, options)).toEqual(oneTaken(exact));
    });
  }

  it.for(OTHER_WAYS)('Z7 X15 the same holds for what was taken by %s()', async (way, context) => {
    const options = { byteLength: 40, way };
    expect(await run(context, 'bothTaken', backend, options)).toEqual(bothTaken(exact));
    expect(await run(context, 'oneTaken', backend, options)).toEqual(oneTaken(exact));
  });

  it('Z7 the other lease can be read while pages at rest are closed', async (context) => {
    const options = { byteLength: 4096, way: 'stream', atRest: 'no-access' } as const;
    expect(await run(context, 'oneTaken', backend, options)).toEqual(oneTaken(exact));
  });

  it('Z7 control: a backend that takes for garbage what is not shows the next owner', async (context) => {
    const options = { byteLength: 40, way: 'stream', lies: true } as const;
    const seen = await run(context, 'bothTaken', backend, options);
    expect(seen).toMatchObject({ heldBack: 0, shown: 2 });
  });
});
