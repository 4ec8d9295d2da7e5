import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RegionFacts } from '../src/contract/index.js';
import { createAllocator, type Guarantee } from '../src/index.js';
import type { FakeRegionFacts } from '../src/testing/fake-region.js';
import { fakeBackend } from '../src/testing/index.js';
import { open, PAGE, thrown, turn } from './fixture.js';

describe('verify() asks the kernel', () => {
  it('and names each claim that does not hold any more', () => {
    const { memory, kernel } = open();
    memory.randomSync(32);
    const [region] = kernel.regionIds as [never];
    expect(memory.verify()).toMatchObject({ ok: true, regions: 1, discrepancies: [] });
    kernel.tamper(region, { lockedByteLength: 0, guardAfter: false, dumpExcluded: false });
    const report = memory.verify();
    expect(report.ok).toBe(false);
    expect(report.discrepancies).toEqual([
      observed('lockedByteLength', PAGE, 0),
      observed('guarded', true, false),
      observed('dumpExcluded', true, false),
    ]);
    kernel.tamper(region, { lockedByteLength: PAGE, guardAfter: true, dumpExcluded: true });
    expect(memory.verify().ok).toBe(true);
  });

  it('and counts what the kernel cannot tell, which is not well', async () => {
    const backend = fakeBackend();
    const memory = createAllocator({ backend, exitHooks: false });
    memory.randomSync(32);
    memory.randomSync(PAGE);
    const inspect = backend.inspect.bind(backend);
    const answers: ((facts: readonly (RegionFacts | 'unknown')[]) => typeof facts)[] = [
      ([first = 'unknown']) => [first, 'unknown'],
      ([first = 'unknown']) => [first],
    ];
    for (const answer of answers) {
      backend.inspect = (regions) => answer(inspect(regions));
      expect(memory.verify()).toMatchObject({ ok: false, regions: 2, regionsUnknown: 1 });
    }
    backend.inspect = inspect;
    expect(memory.verify()).toMatchObject({ ok: true, regionsUnknown: 0 });
    await memory.close();
  });

  it('and expects no lock of a backend that claims none', () => {
    const { memory, kernel } = open({ capabilities: { locking: 'none' } });
    memory.randomSync(32);
    expect(memory.verify()).toMatchObject({ ok: true, regions: 1 });
    kernel.tamper(kernel.regionIds[0] as never, { lockedByteLength: PAGE });
    expect(memory.verify().discrepancies).toEqual([observed('lockedByteLength', 0, PAGE)]);
  });
});

describe('SEC6 what verify() finds lost', () => {
  const LOSSES: [string, Guarantee, Partial<FakeRegionFacts>, keyof RegionFacts][] = [
    ['a lock', 'locked', { lockedByteLength: 0 }, 'lockedByteLength'],
    ['the exclusion from core files', 'dumpExcluded', { dumpExcluded: false }, 'dumpExcluded'],
    ['a guard', 'guarded', { guardBefore: false }, 'guarded'],
    ['the protection from forks', 'forkSafe', { forkBehaviour: 'inherited' }, 'forkBehaviour'],
    ['the closed pages', 'noAccessAtRest', { protection: 'read-write' }, 'protection'],
  ];

  it.each(LOSSES)(
    'SEC6 is gone from receipts, require, new secrets and events: %s',
    async (...given) => {
      const [, guarantee, facts, fact] = given;
      const { memory, kernel } = open({ atRest: 'no-access', require: [guarantee] });
      const events: { lost: string[] }[] = [];
      const hear = (message: unknown) => void events.push(message as { lost: string[] });
      subscribe('securemem:protection-lost', hear);
      onTestFinished(() => void unsubscribe('securemem:protection-lost', hear));
      const secret = memory.randomSync(32);
      await turn();
      const [lost] = kernel.regionIds as [never];
      expect(secret.receipt[guarantee]).toBe(true);
      const before = secret.receipt.checkedAtMs;

      kernel.tamper(lost, facts);
      expect(memory.verify().ok).toBe(false);
      expect(secret.receipt[guarantee]).toBe(false);
      expect(secret.receipt.checkedAtMs).toBeGreaterThanOrEqual(before);
      expect(secret.receipt.weaknesses).toContainEqual({
        field: guarantee === 'noAccessAtRest' ? 'atRest' : guarantee,
        reason: expect.stringContaining('took it away'),
      });
      expect(events).toEqual([
        expect.objectContaining({ backend: 'fake', byteLength: PAGE, lost: [fact] }),
      ]);
      expect(memory.stats().events['protection-lost']).toBe(1);
      memory.verify();
      expect(events).toHaveLength(1);

      const fresh = memory.randomSync(32);
      expect(fresh.receipt[guarantee]).toBe(true);
      expect(kernel.regionCount).toBe(2);
    },
  );

  it('SEC6 stats() count what is locked no more, until the region is gone', () => {
    const { memory, kernel } = open();
    const secret = memory.randomSync(32);
    memory.randomSync(PAGE);
    kernel.tamper(kernel.regionIds[0] as never, { lockedByteLength: 0 });
    memory.verify();
    expect(memory.stats().primary).toMatchObject({
      mappedByteLength: 2 * PAGE,
      lockedByteLength: PAGE,
    });
    secret.dispose();
    memory.verify();
    expect(memory.stats().primary).toMatchObject({
      mappedByteLength: PAGE,
      lockedByteLength: PAGE,
    });
  });

  it('SEC6 gives back vacant regions, and an own region when its secret goes', () => {
    const { memory, kernel } = open({ budget: { lockedByteLengthMin: PAGE } });
    const own = memory.randomSync(PAGE);
    for (const region of kernel.regionIds) kernel.tamper(region, { lockedByteLength: 0 });
    memory.verify();
    expect(kernel.regionCount).toBe(1);
    own.dispose();
    expect(kernel.regionCount).toBe(0);
  });

  it('SEC6 refuses a place that only a region without the guarantee has', () => {
    const { memory, kernel } = open({
      require: ['locked'],
      onCapacity: 'throw',
      budget: { lockedByteLengthMax: PAGE },
    });
    memory.randomSync(32);
    kernel.tamper(kernel.regionIds[0] as never, { lockedByteLength: 0 });
    memory.verify();
    expect(thrown(() => memory.randomSync(32)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
  });

  it('SEC6 reading a receipt notices lost locks before verify() does', () => {
    const { memory, kernel } = open({ require: ['locked'] });
    const secret = memory.randomSync(32);
    kernel.tamper(kernel.regionIds[0] as never, { lockedByteLength: 0 });
    expect(secret.receipt.locked).toBe(false);
    expect(memory.stats().events['protection-lost']).toBe(1);
  });

  it('SEC6 takes it back when a later look finds it again', async () => {
    const { memory, kernel } = open();
    const secret = memory.randomSync(32);
    const [region] = kernel.regionIds as [never];
    kernel.tamper(region, { lockedByteLength: 0 });
    memory.verify();
    kernel.tamper(region, { lockedByteLength: PAGE });
    expect(secret.receipt.locked).toBe(false);
    memory.verify();
    expect(secret.receipt.locked).toBe(true);
    memory.randomSync(32);
    expect(kernel.regionCount).toBe(1);
  });

  it('SEC6 closes again what somebody opened, and opens what somebody closed', async () => {
    const { memory, kernel } = open({ atRest: 'no-access' });
    const secret = memory.randomSync(32);
    await turn();
    const [region] = kernel.regionIds as [never];
    kernel.tamper(region, { protection: 'read-write' });
    memory.verify();
    await turn();
    expect(kernel.protectionOf(region)).toBe('no-access');

    const open_ = open();
    const other = open_.memory.randomSync(32);
    const [closed] = open_.kernel.regionIds as [never];
    open_.kernel.tamper(closed, { protection: 'no-access' });
    expect(open_.memory.verify().ok).toBe(false);
    other.dispose();
    expect(secret.disposed).toBe(false);
  });

  it('SEC6 a subscriber that disposes, allocates and looks again finds all of it noted', () => {
    const { memory, kernel } = open();
    const secrets = [memory.randomSync(32), memory.randomSync(PAGE)];
    const end = () => {
      for (const secret of secrets) secret.dispose();
      memory.randomSync(32);
      memory.verify();
    };
    subscribe('securemem:protection-lost', end);
    onTestFinished(() => void unsubscribe('securemem:protection-lost', end));
    for (const region of kernel.regionIds) kernel.tamper(region, { lockedByteLength: 0 });
    memory.verify();
    expect(memory.stats()).toMatchObject({ secrets: 2, primary: { regions: 1 } });
    expect(memory.verify().ok).toBe(true);
  });
});

const observed = (fact: string, claimed: unknown, found: unknown) => ({
  backend: 'fake',
  fact,
  claimed,
  observed: found,
  byteLength: PAGE,
});
