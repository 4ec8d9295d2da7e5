import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

const LIMIT = 65_536;

interface Refusal {
  code: string;
  kind: string;
  errno: number;
  message: string;
  details: Record<string, unknown>;
}
interface Filled {
  pages: number;
  error: Refusal;
  limit: { kind: string; byteLength?: number };
  locked: number;
}

describe.each(['koffi', 'napi', 'napi-mlock'])('limits explained, %s', (backend) => {
  for (const as of ['root', 'user'] as const) {
    it(`X1 X4 at a soft limit of 64 KiB under a hard one of 1 MiB sixteen pages fit, as ${as}`, async (context) => {
      const options = { memlock: LIMIT, memlockHard: 1_048_576, as };
      const result = ended(await runScenario<Filled>(context, 'limits:fill', backend, options));
      expect(result).toMatchObject({
        pages: 16,
        locked: LIMIT,
        limit: { kind: 'bytes', byteLength: LIMIT },
        error: { code: 'ERR_SECMEM_LOCK_LIMIT', kind: 'capacity' },
      });
      expect(result.error.details).toMatchObject({
        limit: 'lock',
        inUseByteLength: LIMIT,
        limitByteLength: LIMIT,
      });
      expect(result.error.message).toMatch(/ulimit -l/);
    });
  }

  it('X2 a limit of 0 is a lock limit too, whatever number the system gives', async (context) => {
    const result = ended(
      await runScenario<Filled>(context, 'limits:fill', backend, { memlock: 0 }),
    );
    expect(result).toMatchObject({ pages: 0, error: { code: 'ERR_SECMEM_LOCK_LIMIT' } });
    expect([1, 11]).toContain(result.error.errno);
  });

  it('X2 past a positive limit the number is another and the code the same', async (context) => {
    const result = ended(
      await runScenario<Filled>(context, 'limits:fill', backend, { memlock: LIMIT }),
    );
    expect([11, 12]).toContain(result.error.errno);
  });

  for (const toWhatIsLocked of [false, true]) {
    const to = toWhatIsLocked ? 'what is locked already' : '0';
    it(`X6 lowered to ${to} on the live process: what needs a page fails, the rest goes on`, async (context) => {
      type Result = {
        page: Refusal;
        waiting: Refusal;
        intact: boolean;
        after: number;
        lockedAfter: number;
      };
      const options = { memlock: LIMIT, options: { toWhatIsLocked } };
      const result = ended(
        await runScenario<Result>(context, 'limits:loweredLive', backend, options),
      );
      expect(result.page).toMatchObject({
        code: 'ERR_SECMEM_LOCK_LIMIT',
        errno: expect.any(Number),
      });
      expect(result.waiting.kind).toBe('capacity');
      expect(result).toMatchObject({ intact: true, after: 4000, lockedAfter: 0 });
    });
  }

  it('A6 one warm page serves a thousand allocations after the limit fell to 0', async (context) => {
    type Result = { warm: number; mapCalls: number; mapCallsAfter: number };
    const outcome = await runScenario<Result>(context, 'limits:warmPage', backend, {
      memlock: LIMIT,
    });
    expect(ended(outcome)).toEqual({ warm: 4096, mapCalls: 1, mapCallsAfter: 1 });
  });

  it('A6 when the warm page is full the next one is refused or waits, and a released slot reads zero for it', async (context) => {
    const result = ended(
      await runScenario<{ refused: Refusal }>(context, 'limits:warmPageFull', backend, {
        memlock: LIMIT,
      }),
    );
    // 64 bytes and a canary each, and one canary before the first.
    const held = Math.floor((4096 - 8) / 72);
    expect(result).toMatchObject({ held, waiting: 1, zero: true, locked: 4096, lockedAfter: 0 });
    expect(result.refused).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', kind: 'capacity' });
  });

  it('A7 raiseLimit raises a soft limit of 64 KiB to the hard 1 MiB', async (context) => {
    type Result = { error?: Refusal; limit: object };
    const options = { memlock: LIMIT, memlockHard: 1_048_576 };
    const result = ended(await runScenario<Result>(context, 'limits:raises', backend, options));
    expect(result.error).toBeUndefined();
    expect(result.limit).toEqual({ kind: 'bytes', byteLength: 1_048_576 });
  });

  it('A7 with a hard limit of 64 KiB it is CANNOT_RAISE, and nothing has changed', async (context) => {
    type Result = { error?: Refusal; limit: object; locked: number };
    const options = { memlock: LIMIT, as: 'user' as const };
    const result = ended(await runScenario<Result>(context, 'limits:raises', backend, options));
    expect(result.error?.code).toBe('ERR_SECMEM_CANNOT_RAISE');
    expect(result.limit).toEqual({ kind: 'bytes', byteLength: LIMIT });
    expect(result.locked).toBe(0);
  });

  it('M8 M9 a refused allocation hurts none of a hundred others, and no error path hangs', async (context) => {
    type Result = {
      error: Refusal;
      intact: number;
      grown: Refusal;
      afterPurge: Refusal;
      ms: number;
      lockedAfter: number;
    };
    const result = ended(
      await runScenario<Result>(context, 'limits:blastRadius', backend, { memlock: LIMIT }),
    );
    expect(result).toMatchObject({ intact: 100, lockedAfter: 0 });
    for (const error of [result.error, result.grown, result.afterPurge]) {
      expect(error.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    }
    expect(result.ms).toBeLessThan(10_000);
  });
});
