import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecureMemoryError } from '../src/index.js';
import { Admission, type Claim } from '../src/policy/admission.js';
import { turn } from './fixture.js';

const STEPS = process.env['SECUREMEM_PROOF'] === 'full' ? 200_000 : 10_000;

/** A resource of `size` cells, in place of memory: the queue alone is under test. */
class Cells {
  readonly admission: Admission;
  size: number;
  used = 0;
  readonly events: string[] = [];
  #lastId = 0;

  constructor(size: number, queueLengthMax = 1_000, overtakesMax?: number) {
    this.size = size;
    this.admission = new Admission(queueLengthMax, () => {}, overtakesMax);
  }

  /** Cells are "warm" when they were used before; only those may be given to whoever overtakes. */
  claim(cells: number, settle: (event: string) => void): Claim {
    const id = ++this.#lastId;
    const say = (event: string): void => {
      this.events.push(`${id} ${event}`);
      settle(event);
    };
    return {
      tryGrant: () => {
        if (this.used + cells > this.size) return false;
        this.used += cells;
        say('granted');
        return true;
      },
      impossible: () =>
        cells > this.size ? new SecureMemoryError('ERR_SECMEM_TOO_LARGE', 'never') : undefined,
      timedOut: () => new SecureMemoryError('ERR_SECMEM_WAIT_TIMEOUT', 'late'),
      reject: () => say('rejected'),
    };
  }

  release(cells: number): void {
    this.used -= cells;
    this.admission.pump();
  }
}

describe('the queue', () => {
  /** How many of `rounds` releases pass before a claim on all cells is served, small claims coming all the time. */
  function roundsUntilServed(cells: Cells, rounds: number): number {
    const owner = {};
    cells.used = cells.size;
    let served = false;
    cells.admission.enqueue(
      cells.claim(cells.size, () => {
        served = true;
      }),
      { waitMsMax: 60_000, owner },
    );
    let small = cells.size;
    for (let round = 1; round <= rounds; round++) {
      const claim = cells.claim(1, (event) => {
        if (event === 'granted') small++;
      });
      if (!cells.admission.serveNewcomer(claim)) {
        cells.admission.enqueue(claim, { waitMsMax: 60_000, owner });
      }
      if (small > 0) {
        small--;
        cells.release(1);
      }
      if (served) return round;
    }
    cells.admission.cancel('over', owner);
    return Number.POSITIVE_INFINITY;
  }

  it('A13 serves a large claim after at most 16 were let past it', () => {
    expect(roundsUntilServed(new Cells(8), 1_000)).toBeLessThanOrEqual(8 + 16 + 1);
  });

  it('A13 control: without the bound it is never served', () => {
    const cells = new Cells(8, 2_000, Number.POSITIVE_INFINITY);
    expect(roundsUntilServed(cells, 1_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('A5 a waiter that gave up in the middle leaves the order of the others', async () => {
    const cells = new Cells(1);
    cells.used = 1;
    const abort = new AbortController();
    const owner = {};
    for (const signal of [undefined, abort.signal, undefined]) {
      cells.admission.enqueue(
        cells.claim(1, () => {}),
        { waitMsMax: 60_000, signal, owner },
      );
    }
    abort.abort();
    cells.release(1);
    cells.release(1);
    expect(cells.events).toEqual(['2 rejected', '1 granted', '3 granted']);
  });

  it('loses no cell, starves nobody and agrees with a model under random needs, aborts, timeouts, releases and limits', async () => {
    type Step =
      | { do: 'ask'; cells: number; waitMsMax: number }
      | { do: 'release' | 'abort'; at: number }
      | { do: 'resize'; size: number }
      | { do: 'turn' };
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('ask' as const),
          cells: fc.integer({ min: 1, max: 10 }),
          waitMsMax: fc.constantFrom(0, 60_000),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constantFrom('release' as const, 'release' as const, 'abort' as const),
          at: fc.nat(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('resize' as const),
          size: fc.integer({ min: 1, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 100, size: 'max' }),
        async (scheduler, steps) => {
          const cells = new Cells(10);
          const held: number[] = [];
          const waiting = new Map<AbortController, number>();
          let settled = 0;
          let asked = 0;
          const act = async (s: Step): Promise<void> => {
            switch (s.do) {
              case 'ask': {
                asked++;
                const abort = new AbortController();
                const claim = cells.claim(s.cells, (event) => {
                  settled++;
                  waiting.delete(abort);
                  if (event === 'granted') held.push(s.cells);
                });
                if (cells.admission.serveNewcomer(claim)) return;
                const impossible = claim.impossible();
                if (impossible !== undefined) return claim.reject(impossible);
                waiting.set(abort, s.cells);
                cells.admission.enqueue(claim, {
                  waitMsMax: s.waitMsMax,
                  signal: abort.signal,
                  owner: cells,
                });
                return;
              }
              case 'release': {
                const [given] = held.splice(s.at % Math.max(1, held.length), 1);
                if (given !== undefined) cells.release(given);
                return;
              }
              case 'abort':
                [...waiting.keys()][s.at % Math.max(1, waiting.size)]?.abort();
                return;
              case 'resize':
                cells.size = s.size;
                cells.admission.pump();
                return;
              case 'turn':
                await turn();
            }
          };
          const sequence = scheduler.scheduleSequence(
            steps.map((s) => ({
              label: s.do,
              builder: async () => {
                await act(s);
                expect(cells.used).toBe(held.reduce((sum, n) => sum + n, 0));
                expect(cells.admission.waiting).toBe(waiting.size);
              },
            })),
          );
          await scheduler.waitFor(sequence.task);
          while (held.length > 0) cells.release(held.pop() as number);
          for (let i = 0; i < 5; i++) await turn();
          while (held.length > 0) cells.release(held.pop() as number);
          expect(cells.used).toBe(0);
          expect(cells.admission.waiting).toBe(0);
          expect(settled).toBe(asked);
        },
      ),
      { numRuns: STEPS / 50 },
    );
  });
});
