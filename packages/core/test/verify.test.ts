import { describe, expect, it } from 'vitest';
import type { RegionFacts } from '../src/contract/index.js';
import { createAllocator } from '../src/index.js';
import { fakeBackend } from '../src/testing/index.js';
import { open, PAGE } from './fixture.js';

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

const observed = (fact: string, claimed: unknown, found: unknown) => ({
  backend: 'fake',
  fact,
  claimed,
  observed: found,
  byteLength: PAGE,
});
