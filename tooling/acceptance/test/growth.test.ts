import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LOCKING = ['koffi', 'napi', 'napi-mlock'];
const BACKENDS = [...LOCKING, 'nolock', 'fake'];

const run = async <T>(
  context: TestContext,
  backend: string,
  where: string,
  options: Record<string, unknown> = {},
): Promise<T> => ended(await runScenario<T>(context, `growth:${where}`, backend, { options }));

describe.each(BACKENDS)('routing and growth, %s', (backend) => {
  it('Z1 the boundary lies where it was set, and nothing else is taken for one', async (context) => {
    const result = await run(context, backend, 'routes');
    expect(result).toMatchObject({
      at4096: {
        found: ['pooled', 'pooled', 'own'],
        stats: {
          pooled: { secrets: 2, byteLength: 8191 },
          own: { secrets: 1, byteLength: 4097 },
        },
      },
      at0: { found: ['own', 'own'] },
      largest: { found: ['pooled', 'own'] },
      refused: ['TypeError', 'RangeError', 'RangeError', 'RangeError'],
    });
  });

  it('Z3 growth stays where the secret was born, in a phase or out of it, and its old place reads zero', async (context) => {
    const options = { fillerByteLength: 32_768 };
    expect(await run(context, backend, 'sticky', options)).toEqual({
      intact: true,
      byteLength: 8192,
      insideGone: true,
      sameReceipt: true,
      oldReadsZero: true,
    });
  });

  it('Z3 control: growth by copying into the phase that is current ends with that phase', async (context) => {
    const options = { fillerByteLength: 32_768, byCopy: true };
    const result = await run(context, backend, 'sticky', options);
    expect(result).toEqual({ intact: false, insideGone: true });
  });

  it('Z4 growing past the budget throws with nothing changed, and shrinking goes on', async (context) => {
    const options = { lockedByteLengthMax: 16_384 };
    expect(await run(context, backend, 'atomic', options)).toMatchObject({
      refused: 'ERR_SECMEM_LOCK_LIMIT',
      intact: true,
      shrunk: true,
      lockedAfter: 0,
    });
  });

  it('Z9 what does not fit is refused, and counts and bytes of each route are exact', async (context) => {
    type Result = { code: string; pooled: number; stats: object; mappedByteLength: number };
    const result = await run<Result>(context, backend, 'overflow');
    expect(result.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(result.stats).toEqual({
      pooled: { secrets: result.pooled, byteLength: result.pooled * 100 },
      own: { secrets: 0, byteLength: 0 },
    });
    expect(result.mappedByteLength).toBeLessThanOrEqual(65_536);
    expect(result.pooled).toBeGreaterThan(500);
  });
});

describe.each(LOCKING)('growth at a lock limit of 0, %s', (backend) => {
  it('Z4 growing throws with nothing changed, shrinking goes on and wipes the tail', async (context) => {
    const outcome = await runScenario(context, 'growth:atomic', backend, { memlock: 65_536 });
    expect(ended(outcome)).toEqual({
      refused: 'ERR_SECMEM_LOCK_LIMIT',
      intact: true,
      shrunk: true,
      locked: true,
      lockedAfter: 0,
    });
  });
});
