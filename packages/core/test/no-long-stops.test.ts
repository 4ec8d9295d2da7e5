import { performance } from 'node:perf_hooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TURN_MS } from '../src/common/slice.js';
import type { Secret } from '../src/index.js';
import { SealedEntries } from '../src/store/sealed-entries.js';
import { contentOf, FILL, type Fixture, open, PAGE, turn } from './fixture.js';

const COUNT = 50;
const own = { routing: { pooledByteLengthMax: 0 } };
const roomy = { kernel: { lockLimit: { kind: 'unlimited' as const } } };

/**
 * Time stands still, but that one millisecond passes whenever somebody looks at the clock: so many pieces of work are done in
 * one turn at most, on any machine.
 */
function tick(): void {
  let now = performance.now();
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now++);
  onTestFinished(() => spy.mockRestore());
}

function fill(secret: Secret): Secret {
  secret.copyFrom(new Uint8Array(new ArrayBuffer(secret.byteLength)).fill(FILL));
  return secret;
}

const many = ({ memory }: Fixture, count = COUNT): Secret[] =>
  Array.from({ length: count }, () => fill(memory.allocateSync(64)));

/** The most by which a number fell within one turn of the loop, until it is 0. */
async function steepest(left: () => number): Promise<number> {
  let most = 0;
  for (let before = left(); before > 0; ) {
    await turn();
    const now = left();
    most = Math.max(most, before - now);
    before = now;
  }
  return most;
}

describe('D5 purge', () => {
  it('D5 wipes region by region and ends every handle, unmaps nothing, and looks at no canary', async () => {
    const fixture = open({ ...roomy, ...own });
    const { memory, kernel, backend } = fixture;
    const secrets = many(fixture);
    const store = memory.store();
    const pooled = open({ kernel });
    const shared = many(pooled, 1_000);
    const regions = kernel.regionCount;
    for (const region of kernel.regionIds.slice(0, COUNT)) kernel.poke(region, 0, Uint8Array.of(1));
    const before = { wipe: backend.calls('wipe'), read: backend.calls('read') };
    for (const each of [memory, pooled.memory]) each.purge();
    expect(contentOf(kernel)).toBe(0);
    expect([...secrets, ...shared].every(({ disposed }) => disposed)).toBe(true);
    expect(kernel.regionCount).toBe(regions);
    expect([backend.calls('unmap'), pooled.backend.calls('unmap')]).toEqual([0, 0]);
    expect(backend.calls('wipe') - before.wipe).toBe(COUNT + 2);
    expect(backend.calls('read')).toBe(before.read);
    expect(pooled.backend.calls('wipe')).toBeLessThan(100);
    expect(memory.stats()).toMatchObject({ secrets: 0, events: { purge: 1, corruption: 0 } });
    store.dispose();
    await steepest(() => kernel.regionCount);
    expect(memory.stats().primary).toMatchObject({ mappedByteLength: 0, regions: 0 });
  });

  it('D5 what it emptied goes back in slices, and before that to whoever wants it', async () => {
    const fixture = open({ ...roomy, ...own });
    const { memory, kernel, backend } = fixture;
    many(fixture);
    memory.purge();
    tick();
    const again = memory.allocateSync(64);
    expect(again.read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    expect([kernel.regionCount, backend.calls('map')]).toEqual([COUNT, COUNT]);
    expect(await steepest(() => kernel.regionCount - 1)).toBeLessThanOrEqual(TURN_MS);
    expect(again.disposed).toBe(false);
    again.dispose();
  });

  it('D5 makes room for others at once, also of the page of a key', async () => {
    const { memory, kernel } = open();
    const store = memory.store();
    store.setSync('a', new Uint8Array(new ArrayBuffer(32)).fill(1));
    while (memory.stats().primary.mappedByteLength < 16 * PAGE) memory.allocateSync(2_000);
    memory.purge();
    const all = memory.allocateSync(16 * PAGE);
    expect(kernel.lockedByteLength).toBe(16 * PAGE);
    all.dispose();
  });

  it('D5 keeps what is to be kept, and goes on where a region cannot be wiped or a view is open', async () => {
    const fixture = open({ budget: { lockedByteLengthMin: 2 * PAGE }, ...own });
    const { memory, kernel, backend } = fixture;
    const secrets = many(fixture, 6);
    const lease = (secrets[0] as Secret).lend();
    backend.fail('wipe', { on: 3 });
    memory.purge();
    expect(contentOf(kernel)).toBe(0);
    expect(memory.stats().events['release-failed']).toBe(1);
    expect(lease.bytes.every((byte) => byte === 0)).toBe(true);
    lease.release();
    await vi.waitFor(() => expect(memory.stats().primary.mappedByteLength).toBe(2 * PAGE));
  });
});

describe('D5 in slices', () => {
  it('D5 leaves a slice and one more step in 20 ms', () => {
    expect(TURN_MS).toBeLessThanOrEqual(10);
  });

  it('D5 close() ends every handle at once, and gives the regions back turn by turn', async () => {
    const fixture = open({ ...roomy, ...own });
    const { memory, kernel } = fixture;
    const secrets = many(fixture);
    tick();
    const closing = memory.close();
    await turn();
    expect(secrets.every(({ disposed }) => disposed)).toBe(true);
    expect(memory.stats()).toMatchObject({ state: 'closing', secrets: 0 });
    expect(() => memory.allocateSync(1)).toThrow(/closed/);
    expect(memory.close()).toBe(closing);
    expect(await steepest(() => kernel.regionCount)).toBeLessThanOrEqual(TURN_MS);
    expect(await closing).toEqual({ secretsReleased: COUNT, byteLengthLeftMapped: 0 });
    expect(memory.stats().state).toBe('closed');
  });

  it('D5 a purge between two slices of close() wipes what is left', async () => {
    const fixture = open({ ...roomy, ...own });
    const { memory, kernel } = fixture;
    many(fixture);
    tick();
    const closing = memory.close();
    await turn();
    await turn();
    expect(contentOf(kernel)).toBeGreaterThan(0);
    memory.purge();
    expect(contentOf(kernel)).toBe(0);
    expect(await closing).toEqual({ secretsReleased: COUNT, byteLengthLeftMapped: 0 });
    expect(kernel.regionCount).toBe(0);
  });

  it('D5 close() and the end of a phase tell those who wait turn by turn, and grant none of them anything', async () => {
    for (const end of ['close', 'phase'] as const) {
      const { memory } = open({ ...own });
      const all = memory.allocateSync(16 * PAGE);
      let told = 0;
      const outcomes: Promise<unknown>[] = [];
      const ask = (from: Pick<typeof memory, 'allocate'>): void => {
        for (let i = 0; i < COUNT; i++) {
          const outcome = from.allocate(64).finally(() => told++);
          outcomes.push(outcome.catch(({ code }) => code));
        }
      };
      let leave = (): void => {};
      const phase = memory.phase((each) => {
        if (end === 'phase') ask(each);
        return new Promise<void>((resolve) => {
          leave = resolve;
        });
      });
      if (end === 'close') ask(memory);
      tick();
      leave();
      const closing = end === 'close' ? memory.close() : undefined;
      await turn();
      const falling = steepest(() => COUNT - told);
      expect(memory.stats().admission.waiting).toBe(0);
      if (end === 'phase') all.dispose();
      expect(await falling).toBeLessThanOrEqual(TURN_MS);
      expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['ERR_SECMEM_CLOSED']));
      await phase;
      await closing;
      expect(memory.stats().secrets).toBe(0);
    }
  });

  it('D5 the ends of phases share a turn, and wait for what is lent between two slices', async () => {
    const fixture = open(roomy);
    const { memory } = fixture;
    tick();
    let last: Secret | undefined;
    const phases = [1, 2].map(() =>
      memory.phase((phase) => {
        const secrets = Array.from({ length: COUNT }, () => phase.allocateSync(64));
        last = secrets.at(-1);
      }),
    );
    await turn();
    expect(memory.stats().secrets).toBe(2 * COUNT);
    while (memory.stats().secrets >= COUNT) await turn();
    const lease = (last as Secret).lend();
    expect(await steepest(() => memory.stats().secrets - 1)).toBeLessThanOrEqual(TURN_MS);
    expect((last as Secret).disposed).toBe(false);
    lease.release();
    await Promise.all(phases);
    expect(memory.stats().secrets).toBe(0);
  });

  it('D5 loadAll() that fails releases what was loaded turn by turn before it rejects', async () => {
    const { memory } = open(roomy);
    tick();
    const loading = memory.loadAll([
      (phase) => phase.allocateAllSync(Array.from({ length: COUNT }, () => 64))[0] as Secret,
      () => Promise.reject(new Error('no such file')),
    ]);
    const outcome = loading.catch(({ code }) => [code, memory.stats().secrets]);
    while (memory.stats().secrets === 0) await Promise.resolve();
    expect(await steepest(() => memory.stats().secrets)).toBeLessThanOrEqual(TURN_MS);
    expect(await outcome).toEqual(['ERR_SECMEM_LOAD_FAILED', 0]);
  });

  it('D5 a sweep gives idle regions back turn by turn, and leaves what was taken meanwhile', async () => {
    const fixture = open({ ...roomy, ...own, idleMs: 2 });
    const { memory, kernel } = fixture;
    const secrets = many(fixture);
    tick();
    for (const secret of secrets) secret.dispose();
    expect(await steepest(() => kernel.regionCount)).toBeLessThanOrEqual(TURN_MS);
    expect(memory.stats().primary.unmapCalls).toBe(COUNT);
  });
});

describe('D5 a bulk load', () => {
  function* entries(count: number, value: number): Generator<[string, Uint8Array]> {
    for (let i = 0; i < count; i++)
      yield [`n${i}`, new Uint8Array(new ArrayBuffer(32)).fill(value)];
  }
  const firstOf = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

  it('D5 seals some in each turn, and takes them back so when it fails', async () => {
    const { memory } = open();
    const store = memory.store();
    tick();
    function* failing(): Generator<[string, Uint8Array]> {
      yield* entries(COUNT, 1);
      throw new Error('source');
    }
    const removals = vi.spyOn(SealedEntries.prototype, 'remove');
    onTestFinished(() => removals.mockRestore());
    let most = 0;
    const outcome = store.load(failing()).catch(() => 'failed');
    for (let seals = 0; seals < COUNT; ) {
      await turn();
      most = Math.max(most, memory.stats().sealing.seals - seals);
      seals = memory.stats().sealing.seals;
    }
    expect(most).toBeLessThanOrEqual(TURN_MS);
    expect(await steepest(() => COUNT - removals.mock.calls.length)).toBeLessThanOrEqual(TURN_MS);
    expect(await outcome).toBe('failed');
    expect(memory.stats().secrets).toBe(0);
  });

  it('D5 changes all entries in one step, and tidies up after the old ones turn by turn', async () => {
    const { memory } = open();
    const store = memory.store();
    await store.load(entries(COUNT, 1));
    const before = store.stats().ordinaryByteLength;
    tick();
    let done = false;
    const loading = store.load(entries(COUNT, 2)).finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) {
      const values = new Set(
        [`n${COUNT - 1}`, 'n0', 'n25'].map((name) => store.useSync(name, firstOf)),
      );
      expect(values.size).toBe(1);
      await turn();
    }
    expect(await loading).toBe(COUNT);
    expect(turns).toBeGreaterThanOrEqual((2 * COUNT) / TURN_MS);
    expect(store.stats().entries).toBe(COUNT);
    expect(store.stats().ordinaryByteLength).toBe(before);
  });

  it('D5 counts, lists, ends and clears what has not landed yet', async () => {
    const { memory } = open();
    const store = memory.store();
    await store.load(entries(COUNT, 1));
    tick();
    /** Looks at the store between the step that changes all and the end of the load. */
    async function inLanding(value: number, look: () => void): Promise<void> {
      const loading = store.load(entries(COUNT + 5, value));
      while (store.useSync('n0', firstOf) !== value) await turn();
      look();
      expect(await loading).toBe(COUNT + 5);
    }
    await inLanding(2, () => {
      expect(store.size).toBe(COUNT + 5);
      expect([...store.keys()]).toHaveLength(COUNT + 5);
    });
    await inLanding(3, () => {
      store.setSync('n40', new Uint8Array(new ArrayBuffer(32)).fill(9));
      expect(store.delete('n41')).toBe(true);
    });
    expect(['n40', 'n42'].map((name) => store.useSync(name, firstOf))).toEqual([9, 3]);
    expect([store.has('n41'), store.size]).toEqual([false, COUNT + 4]);
    await inLanding(4, () => store.clear());
    expect(store.size).toBe(0);
    expect(store.stats().ordinaryByteLength).toBeLessThanOrEqual(PAGE);
    expect(memory.stats().sealing.keys).toBeLessThanOrEqual(1);
  });
});
