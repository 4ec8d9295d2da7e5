import { describe, expect, it } from 'vitest';
import { fakeEvidence, requirements, runConformance } from '../src/index.js';
import type { Broken } from './broken/breaking.js';
import { broken } from './broken/index.js';
import { fakeSubject } from './fake.js';

/** The same random sequences every time: whether they find something must not depend on the day. */
const SEED = 20;

/** Random sequences may notice anything; whether they do is asked of the one backend that only they can notice. */
const RANDOM = ['model-sequences', 'model-under-limit'];

async function rejections(one: Broken): Promise<string[]> {
  // Keys are calculated by hand there: only the backends that are about them have some.
  const capabilities = { keys: [], keysLater: [], ...one.capabilities };
  const { kernel, open } = fakeSubject(capabilities, one.breakIt);
  const report = await runConformance({ open, evidence: fakeEvidence(kernel, open), seed: SEED });
  return report.results
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ id }) => id)
    .filter((id) => !RANDOM.includes(id) || one.rejectedBy.includes(id));
}

describe('a backend that breaks one promise is rejected by the requirement that owns it, and no unrelated one', () => {
  for (const one of broken) {
    it(`${one.name}: rejected by ${one.rejectedBy[0]}`, async () => {
      const expected = [...one.rejectedBy].toSorted().join(', ');
      expect((await rejections(one)).toSorted().join(', ')).toBe(expected);
    });
  }
});

it('every requirement rejects some broken backend, so that none can be removed unnoticed', () => {
  const owners = new Set(broken.flatMap(({ rejectedBy }) => rejectedBy));
  expect(requirements.map(({ id }) => id).filter((id) => !owners.has(id))).toEqual([]);
});
