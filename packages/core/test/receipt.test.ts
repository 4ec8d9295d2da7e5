import { describe, expect, it } from 'vitest';
import type { BackendCapabilities } from '../src/contract/capabilities.js';
import { open, thrown } from './fixture.js';

const weaknesses = (capabilities: Parameters<typeof open>[0]): string[] => {
  const { memory } = open(capabilities);
  return memory.randomSync(32).receipt.weaknesses.map(({ field }) => field);
};

describe('a receipt', () => {
  it.each([
    ['locked', { locking: 'none' }],
    ['guarded', { guardPages: false }],
    ['dumpExcluded', { dumpExclusion: false }],
    ['forkSafe', { forkBehaviour: 'inherited' }],
    ['access', { views: 'none' }],
    ['threadExit', { threadExit: 'kept' }],
    ['cipher', { cipher: 'none' }],
  ] as const)('gives a reason for a missing %s, and only then', (field, capabilities) => {
    expect(weaknesses({ capabilities })).toContain(field);
    expect(weaknesses({})).not.toContain(field);
  });

  it('gives no reason about the kernel where even root sees nothing', () => {
    expect(weaknesses({ capabilities: { kernelHidden: true } })).not.toContain('kernelHidden');
    expect(weaknesses({})).toContain('kernelHidden');
  });

  it('V4 says how a lock is known: by the count of the system, or by what it does with the pages', () => {
    const evidenceOf = (capabilities: Partial<BackendCapabilities>) =>
      open({ capabilities }).memory.randomSync(32).receipt.lockEvidence;
    expect(evidenceOf({})).toBe('counted');
    expect(evidenceOf({ lockEvidence: 'resident', kernelHidden: true })).toBe('resident');
    expect(evidenceOf({ locking: 'none' })).toBe('none');
  });

  it('refuses at opening what is required and cannot be had, with the reason', () => {
    const capabilities = { forkBehaviour: 'inherited' } as const;
    expect(thrown(() => open({ capabilities, require: ['locked', 'forkSafe'] }))).toMatchObject({
      code: 'ERR_SECMEM_GUARANTEE_UNMET',
      message: expect.stringContaining('a forked child without exec inherits the bytes'),
    });
  });
});
