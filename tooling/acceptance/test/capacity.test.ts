import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LIMIT = 65_536;
const TASKS = 2_000;

interface Refusal {
  code: string;
  kind: string;
  message: string;
  details: Record<string, unknown>;
}
interface Loaded {
  served: number;
  unlocked: number;
  placed?: number;
  codes: string[];
  slots: number;
  waits: number;
  warnings: number;
  peak: number;
  lockedAfter: number;
}

describe.each(['koffi', 'napi', 'napi-mlock'])('capacity policies, %s', (backend) => {
  const run = async <T>(
    context: TestContext,
    where: string,
    options: Record<string, unknown> = {},
  ): Promise<T> => {
    const confined = { memlock: LIMIT, options };
    return ended(await runScenario<T>(context, `capacity:${where}`, backend, confined));
  };
  const load = (context: TestContext, onCapacity: string) =>
    run<Loaded>(context, 'load', { tasks: TASKS, onCapacity });

  it("M14 'wait' serves 2,000 of 2,000 under 64 KiB, and those that did not fit waited", async (context) => {
    const result = await load(context, 'wait');
    expect(result).toMatchObject({ served: TASKS, unlocked: 0, codes: [], lockedAfter: 0 });
    expect(result.waits).toBe(TASKS - result.slots);
    expect(result.waits).toBeGreaterThan(0);
    expect(result.peak).toBeLessThanOrEqual(LIMIT);
  });

  it("M14 'throw' serves exactly what fits; the rest are typed errors", async (context) => {
    const result = await load(context, 'throw');
    expect(result).toMatchObject({ served: result.slots, unlocked: 0, waits: 0, lockedAfter: 0 });
    expect(result.codes).toHaveLength(TASKS - result.slots);
    expect([...new Set(result.codes)]).toEqual(['ERR_SECMEM_LOCK_LIMIT']);
    // 64 bytes and a canary each: sixteen pages hold 56 to 57 a page.
    expect(result.served).toBeGreaterThanOrEqual(16 * 56);
  });

  it("M14 'fallback' serves all, tells exactly which are not locked, and warns once", async (context) => {
    const result = await load(context, 'fallback');
    const unlocked = TASKS - result.slots;
    expect(result).toMatchObject({ served: TASKS, codes: [], waits: 0, warnings: 1 });
    expect(result).toMatchObject({ unlocked, placed: unlocked, lockedAfter: 0 });
  });

  it('A8 a fallback secret says that it is not locked and why, each change warns once, and throw still throws', async (context) => {
    type Result = { reasons: string[]; refused: Refusal; refusedAtOpening: { message: string } };
    const result = await run<Result>(context, 'policies');
    expect(result).toMatchObject({
      locked: true,
      receipt: { locked: false, fallback: true },
      warnings: [0, 1, 2],
      again: true,
      lockedAfter: 0,
    });
    expect(result.reasons).toEqual(expect.arrayContaining(['fallback', 'locked']));
    expect(result.refused).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', kind: 'capacity' });
    expect(result.refusedAtOpening.message).toMatch(/needs a backend to fall back to/);
  });

  it('A13 half of the limit is had while small requests never end, after each page was given back at most once', async (context) => {
    type Result = { full: { held: number; locked: number }; releases: number };
    const result = await run<Result & { regionsGivenBack: number }>(context, 'largeAmongSmall');
    expect(result).toMatchObject({ served: true, full: { locked: LIMIT }, lockedAfter: 0 });
    // All that were there when it asked, and the sixteen that may overtake it.
    expect(result.releases).toBeLessThanOrEqual(result.full.held + 16);
    expect(result.regionsGivenBack).toBeLessThanOrEqual(16);
  });

  it('A13 control: one long-lived slot in each page keeps it out, and the errors name that as fragmentation', async (context) => {
    const result = await run<{ refused: Refusal; late: Refusal }>(context, 'fragmented');
    expect(result.refused.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(result.late.code).toBe('ERR_SECMEM_WAIT_TIMEOUT');
    for (const error of [result.refused, result.late]) {
      expect(error.message).toMatch(/fragmentation: 16 slabs are held by one long-lived secret/);
      expect(error.details).toMatchObject({ fragmentation: { slabsHeldByOneSecret: 16 } });
    }
  });

  it('M15 one warning at opening, with needed and available bytes, when the secrets expected do not fit', async (context) => {
    type Result = { neededByteLength: number; availableByteLength: number }[];
    const [warning, ...more] = await run<Result>(context, 'headroom', { secretsMax: 10_000 });
    expect(more).toEqual([]);
    expect(warning?.availableByteLength).toBe(LIMIT);
    // 32 bytes and a canary of 8 each, in whole pages.
    expect(warning?.neededByteLength).toBeGreaterThanOrEqual(10_000 * 40);
    expect(warning?.neededByteLength).toBeLessThan(10_000 * 48);
  });

  it('M15 control: none when they fit', async (context) => {
    expect(await run(context, 'headroom', { secretsMax: 500 })).toEqual([]);
  });

  it('X2 what seccomp forbids under a positive limit is DENIED with its remedy: not waited for, but fallen back from', async (context) => {
    type Result = { notProven?: string; refused: Refusal };
    const result = await run<Result>(context, 'sandboxed', { forbid: true });
    if (result.notProven !== undefined) context.skip(`not proven: ${result.notProven}`);
    expect(result.refused).toMatchObject({
      code: 'ERR_SECMEM_DENIED',
      kind: 'platform',
      details: { remedy: expect.stringMatching(/@memlock/) },
    });
    expect(result.refused.message).toMatch(/@memlock/);
    expect(result).toMatchObject({ waits: 0, receipt: { locked: false, fallback: true } });
  });

  it('X2 control: without the filter the same is locked', async (context) => {
    expect(await run(context, 'sandboxed', { forbid: false })).toMatchObject({
      waits: 0,
      receipt: { locked: true, fallback: false },
    });
  });
});
