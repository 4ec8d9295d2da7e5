import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecureMemoryError } from '../src/index.js';
import { Admission, OVERTAKES_MAX } from '../src/places/admission.js';
import type { Claim } from '../src/places/claim.js';
import { Outbox } from '../src/telemetry/outbox.js';
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
    this.admission = new Admission(queueLengthMax, new Outbox(), () => {}, overtakesMax);
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

  it('A4 A5 A13 loses no cell, starves nobody and agrees with a model under random needs, aborts, timeouts, releases and limits', {
    timeout: 600_000,
  }, async () => {
    let steps = 0;
    const clients = fc.array(fc.array(step, { maxLength: 50, size: 'max' }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), clients, async (scheduler, sequences) => {
        const model = new Model();
        const tasks = sequences.map(
          (sequence, client) =>
            scheduler.scheduleSequence(
              sequence.map((each) => ({
                label: `client ${client}: ${each.do}`,
                builder: async () => {
                  steps++;
                  await model.take(each);
                  model.check();
                },
              })),
            ).task,
        );
        await scheduler.waitFor(Promise.all(tasks));
        await model.end();
      }),
      // Fifty steps in a run on average, and twice as many in all as are asked for.
      { numRuns: STEPS / 25 },
    );
    expect(steps).toBeGreaterThanOrEqual(STEPS);
  });

  it('A13 control: the model sees that the bound was taken out', async () => {
    const model = new Model(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 10; i++) await model.take({ do: 'ask', cells: 1, waitMsMax: 60_000 });
    await model.take({ do: 'ask', cells: 10, waitMsMax: 60_000 });
    for (let i = 0; i <= OVERTAKES_MAX; i++) {
      model.check();
      await model.take({ do: 'release', at: 0 });
      await model.take({ do: 'ask', cells: 1, waitMsMax: 60_000 });
    }
    expect(() => model.check()).toThrow(/17/);
    await model.end().catch(() => {});
  });
});

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

/** Who holds how many cells, and who waits in which order, beside the queue that is under test. */
class Model {
  readonly #cells: Cells;
  readonly #held: number[] = [];
  /** In the order in which they came. */
  readonly #waiting = new Set<AbortController>();
  /** How often whoever is first now was overtaken while first. */
  readonly #overtaken = new Map<AbortController, number>();
  #asked = 0;
  #settled = 0;

  constructor(overtakesMax?: number) {
    this.#cells = new Cells(10, 1_000, overtakesMax);
  }

  async take(each: Step): Promise<void> {
    switch (each.do) {
      case 'ask':
        return this.#ask(each.cells, each.waitMsMax);
      case 'release':
        return this.#release(each.at);
      case 'abort':
        return [...this.#waiting][each.at % Math.max(1, this.#waiting.size)]?.abort();
      case 'resize':
        this.#cells.size = each.size;
        return this.#cells.admission.pump();
      case 'turn':
        return turn();
    }
  }

  check(): void {
    expect(this.#cells.used).toBe(this.#held.reduce((sum, n) => sum + n, 0));
    expect(this.#cells.admission.waiting).toBe(this.#waiting.size);
    for (const times of this.#overtaken.values()) expect(times).toBeLessThanOrEqual(OVERTAKES_MAX);
  }

  /** Everything is given back, and again what is granted by that: then nobody may be left. */
  async end(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      while (this.#held.length > 0) this.#release(0);
      await turn();
    }
    this.check();
    expect(this.#waiting.size).toBe(0);
    expect(this.#settled).toBe(this.#asked);
  }

  #ask(cells: number, waitMsMax: number): void {
    const { admission } = this.#cells;
    const abort = new AbortController();
    this.#asked++;
    const claim = this.#cells.claim(cells, (event) => {
      const [first] = this.#waiting;
      this.#settled++;
      this.#waiting.delete(abort);
      this.#overtaken.delete(abort);
      if (event !== 'granted') return;
      this.#held.push(cells);
      if (first === undefined || first === abort) return;
      this.#overtaken.set(first, (this.#overtaken.get(first) ?? 0) + 1);
    });
    if (admission.serveNewcomer(claim)) return;
    const impossible = claim.impossible();
    if (impossible !== undefined) {
      claim.reject(impossible);
      return;
    }
    this.#waiting.add(abort);
    admission.enqueue(claim, { waitMsMax, signal: abort.signal, owner: this });
  }

  #release(at: number): void {
    const [given] = this.#held.splice(at % Math.max(1, this.#held.length), 1);
    if (given !== undefined) this.#cells.release(given);
  }
}
