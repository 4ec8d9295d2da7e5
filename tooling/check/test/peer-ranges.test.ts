import { describe, expect, it } from 'vitest';
import {
  nextBreaking,
  peerRangeProblems,
  rangeFor,
  unlinkedPackages,
} from '../src/peer-ranges.mjs';

describe('ranges of peers', () => {
  it.each([
    ['0.0.0', '0.1.0'],
    ['0.1.4', '0.2.0'],
    ['1.0.0', '2.0.0'],
    ['2.3.4', '3.0.0'],
  ])('N7 %s may break at %s', (version, breaking) => {
    expect(nextBreaking(version)).toBe(breaking);
  });

  const problems = (range: string, version = '0.3.1') =>
    peerRangeProblems([
      { name: '@securemem/core', version },
      {
        name: '@securemem/koffi',
        version: '0.3.0',
        peerDependencies: { '@securemem/core': range },
      },
    ]);

  it('N7 accepts what was built with this version or an older one that is compatible', () => {
    expect(problems(rangeFor('0.3.1'))).toEqual([]);
    expect(problems('>=0.3.0 <0.4.0')).toEqual([]);
    expect(problems('>=1.0.0 <2.0.0', '1.0.0')).toEqual([]);
  });

  it.each([
    ['>=0.0.0 <1.0.0', 'should end at 0.4.0'],
    ['>=0.3.0', 'has not two bounds'],
    ['^0.3.0', 'has not two bounds'],
    ['*', 'has not two bounds'],
    ['>=0.3.2 <0.4.0', 'asks for more than 0.3.1'],
  ])('N7 control: %s is a problem', (range, words) => {
    expect(problems(range).join()).toContain(words);
  });

  it('N7 demands two bounds of the peers of others too', () => {
    const manifest = { name: 'a', version: '1.0.0', peerDependencies: { koffi: '>=3.3.4' } };
    expect(peerRangeProblems([manifest])).toHaveLength(1);
  });

  it('N7 demands that every public package goes along with a breaking release', () => {
    const manifests = [{ name: 'core' }, { name: 'late' }, { name: 'tool', private: true }];
    expect(unlinkedPackages(manifests, { linked: [['core']] }).join()).toMatch(/^late: not linked/);
    expect(unlinkedPackages(manifests, { linked: [['core', 'late']] })).toEqual([]);
  });
});
