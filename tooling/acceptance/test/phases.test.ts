import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LOCKING = ['koffi', 'napi', 'napi-mlock'];
const BACKENDS = [...LOCKING, 'nolock', 'fake'];

const run = async <T>(
  context: TestContext,
  backend: string,
  where: string,
  options: Record<string, unknown> = {},
): Promise<T> => ended(await runScenario<T>(context, `phases:${where}`, backend, { options }));

describe.each(BACKENDS)('phases, %s', (backend) => {
  it('Z5 return, throw, rejection and abort release all of a phase and nothing else', async (context) => {
    const result = await run(context, backend, 'everyWayOut');
    expect(result).toEqual({
      ends: [
        ['returned', 0],
        ['thrown', 0],
        ['rejected', 0],
        ['aborted', 0],
      ],
      filler: true,
      alive: true,
      lockedAfter: 0,
    });
  });

  it('Z5 control: what is released by the line after the call survives throw, rejection and abort', async (context) => {
    type Result = { ends: [string, number][] };
    const { ends } = await run<Result>(context, backend, 'everyWayOut', { byHand: true });
    expect(ends.map(([, left]) => left)).toEqual([0, 1, 2, 3]);
  });

  it('Z6 twenty phases of a hundred secrets that interleave at await end only their own', async (context) => {
    const options = { shared: false };
    expect(await run(context, backend, 'interleaved', options)).toEqual({ harmed: 0, left: 0 });
  });

  it('Z6 control: a "current phase" of the whole process frees what others still use', async (context) => {
    const options = { shared: true };
    const result = await run<{ harmed: number }>(context, backend, 'interleaved', options);
    expect(result.harmed).toBeGreaterThan(0);
  });

  it('Z7 X15 nothing that was kept shows or reaches the next owner, and the handle says it is gone', async (context) => {
    type Result = { lengths: number[]; uses: string[]; intact: boolean; sameAsEmpty: boolean };
    const result = await run<Result>(context, backend, 'kept');
    expect(result.lengths).toEqual([0, 0, 0, 0, 0]);
    expect(new Set(result.uses)).toEqual(new Set(['ERR_SECMEM_DISPOSED']));
    expect(result.intact).toBe(true);
    // X15: why consumers take secrets: node:crypto takes what was revoked for an empty key.
    expect(result.sameAsEmpty).toBe(true);
  });

  it('Z8 the end waits for work in flight or refuses, and never frees under it', async (context) => {
    expect(await run(context, backend, 'inFlight')).toEqual({
      wait: { before: false, right: true, code: 'returned' },
      throw: { before: true, right: true, code: 'ERR_SECMEM_IN_USE' },
      lockedAfter: 0,
    });
  });

  it('X10 adopt() of a pooled Buffer wipes its own bytes and no neighbour', async (context) => {
    expect(await run(context, backend, 'adoptsPooled')).toEqual({
      pooled: true,
      wiped: true,
      neighbours: [[1], [3]],
      adopted: true,
    });
  });

  it('X14 a process with nothing but a wait ends with the timeout, not in silence', async (context) => {
    expect(await run(context, backend, 'onlyWaiting')).toBe('ERR_SECMEM_WAIT_TIMEOUT');
  });

  it("A8 onCapacity 'abort' dies by SIGABRT after one line without secret bytes", async (context) => {
    const outcome = await runScenario(context, 'phases:aborts', backend);
    expect(outcome.signal).toBe('SIGABRT');
    const lines = outcome.stderr.split('\n').filter((line) => line.startsWith('securemem'));
    expect(lines).toEqual([expect.stringMatching(/^securemem: aborting: ERR_SECMEM_TOO_LARGE: /)]);
    expect(outcome.stderr).not.toMatch(/survived|AAAA|4141|65,65/);
  });
});

describe.each(LOCKING)('what consumers leave, %s', (backend) => {
  it('Z10 after 512 secrets went through every consumer their pages hold none', async (context) => {
    type Result = { living: number; hidden: boolean; ours: number };
    const result = await run<Result>(context, backend, 'consumers');
    expect(result.living).toBe(result.hidden ? 0 : 512);
    expect(result.ours).toBe(0);
  });
});

describe('small typed arrays', () => {
  const gc = { execArgv: ['--expose-gc'] };
  it('X11 arrays over an ArrayBuffer of their own leave no copy behind', async (context) => {
    const options = { ...gc, options: { offHeap: true } };
    const outcome = await runScenario<{ left: number }>(
      context,
      'phases:smallArrays',
      'nolock',
      options,
    );
    expect(ended(outcome).left).toBe(0);
  });

  it('X11 control: those made directly are moved by the collector and leave copies', async (context) => {
    const options = { ...gc, options: { offHeap: false } };
    const outcome = await runScenario<{ left: number }>(
      context,
      'phases:smallArrays',
      'nolock',
      options,
    );
    expect(ended(outcome).left).toBeGreaterThan(0);
  });
});
