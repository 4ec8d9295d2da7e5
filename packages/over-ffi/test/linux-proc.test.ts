import { describe, expect, it } from 'vitest';
import type { Address } from '../src/address.js';
import {
  factsOf,
  hiddenByteLengthOf,
  isCounted,
  isOneMapping,
  lockedBytesOf,
  mappingsOf,
} from '../src/linux-proc.js';

describe('isOneMapping()', () => {
  const lines = ['00001000-00003000 ---p 0', '7f0000001000-7f0000004000 ---s 0'];

  it('is true of a mapping that begins and ends exactly there', () => {
    expect(isOneMapping(lines, 0x7f0000001000n, 0x3000)).toBe(true);
    expect(isOneMapping(lines, 0x1000n, 0x2000)).toBe(true);
  });

  it('is false of a part of one, of more than one, and of none', () => {
    expect(isOneMapping(lines, 0x7f0000001000n, 0x2000)).toBe(false);
    expect(isOneMapping(lines, 0x7f0000000000n, 0x4000)).toBe(false);
    expect(isOneMapping([], 0x1000n, 0x2000)).toBe(false);
  });
});

describe('hiddenByteLengthOf()', () => {
  it('V4 adds up the hidden pages of everybody, and nothing else', () => {
    const lines = [
      '7f0000001000-7f0000004000 rw-s 00000000 00:0e 7      /secretmem (deleted)',
      '7f0000004000-7f0000005000 ---p 00000000 00:00 0 ',
      '7f0000006000-7f0000007000 ---s 00000000 00:0e 9      /secretmem (deleted)',
      '7f0000008000-7f0000009000 rw-s 00000000 00:01 9      /memfd:x (deleted)',
    ];
    expect(hiddenByteLengthOf(lines)).toBe(0x4000);
    expect(hiddenByteLengthOf([])).toBe(0);
  });
});

describe('lockedBytesOf()', () => {
  it('is in bytes, and unknown where the line is missing', () => {
    expect(lockedBytesOf('Name:\tnode\nVmLck:\t      64 kB\n')).toBe(65_536);
    expect(lockedBytesOf('Name:\tnode\n')).toBe('unknown');
  });
});

function mapping(range: string, permissions: string, locked: number, flags: string): string {
  return `${range} ${permissions} 00000000 00:00 0 \nSize: 4 kB\nLocked:    ${locked} kB\nVmFlags: ${flags} \n`;
}

describe('factsOf()', () => {
  const span = { address: 0x2000n as Address, byteLength: 0x1000 };
  const guard = (range: string) => mapping(range, '---p', 0, 'mr mw me sd');
  const before = guard('1000-2000');
  const after = guard('3000-4000');
  const factsIn = (...lines: string[]) =>
    factsOf(mappingsOf(lines.join('').split('\n')), span, false);

  it('X7 reads what the kernel says: locked, hidden from dumps, wiped on fork, guarded', () => {
    const page = mapping('2000-3000', 'rw-p', 4, 'rd wr mr mw me lo ac wf dd sd');
    expect(factsIn(before, page, after)).toEqual({
      lockedByteLength: 4096,
      protection: 'read-write',
      guarded: true,
      dumpExcluded: true,
      forkBehaviour: 'zeroed',
    });
  });

  it('V4 hidden pages that the kernel neither marks nor counts are locked as far as they are resident', () => {
    const hidden = (resident: number, flags: string, name = '/secretmem (deleted)') =>
      mappingsOf(
        `2000-3000 rw-s 00000000 00:0e 7 ${name}\nRss: ${resident} kB\nLocked: ${flags.includes('lo') ? 4 : 0} kB\nVmFlags: ${flags}\n`.split(
          '\n',
        ),
      );
    const lockedIn = (mappings: ReturnType<typeof hidden>, isHidden: boolean) =>
      (factsOf(mappings, span, isHidden) as { lockedByteLength: number }).lockedByteLength;
    const uncounted = hidden(4, 'rd wr sh mr mw me dc dd');
    expect([lockedIn(uncounted, true), isCounted(uncounted, span)]).toEqual([4096, false]);
    expect(lockedIn(hidden(0, 'rd wr sh mr mw me dc dd'), true)).toBe(0);
    const counted = hidden(4, 'rd wr sh mr mw me lo dc dd');
    expect([lockedIn(counted, true), isCounted(counted, span)]).toEqual([4096, true]);
    // Whatever else is mapped there is locked by its mark alone.
    expect(lockedIn(hidden(4, 'rd wr sh mr mw me dc dd', '/memfd:x (deleted)'), true)).toBe(0);
    expect(lockedIn(uncounted, false)).toBe(0);
  });

  it('each weakness shows', () => {
    const plain = mapping('2000-3000', 'r--p', 0, 'rd mr mw me ac sd');
    expect(factsIn(before, plain)).toEqual({
      lockedByteLength: 0,
      protection: 'read-only',
      guarded: false,
      dumpExcluded: false,
      forkBehaviour: 'inherited',
    });
    const closed = mapping('2000-3000', '---p', 4, 'mr mw me lo dc dd sd');
    expect(factsIn(before, closed, after)).toMatchObject({
      protection: 'no-access',
      forkBehaviour: 'absent',
    });
  });

  it('where somebody changed a part of a region, locked bytes add up and the weakest part speaks', () => {
    const two = { address: 0x2000n as Address, byteLength: 0x2000 };
    const lines = [
      before,
      mapping('2000-3000', '---p', 0, 'mr mw me dd wf'),
      mapping('3000-4000', 'r--p', 4, 'rd mr mw me lo dd'),
      guard('4000-5000'),
    ];
    expect(factsOf(mappingsOf(lines.join('').split('\n')), two, false)).toEqual({
      lockedByteLength: 4096,
      protection: 'read-only',
      guarded: true,
      dumpExcluded: true,
      forkBehaviour: 'inherited',
    });
  });

  it('hidden pages that the kernel does not mark as locked are so where they are resident', () => {
    const lines = (name: string) => [
      before,
      `2000-3000 rw-s 00000000 00:0e 1  ${name}\nRss: 4 kB\nLocked: 0 kB\nVmFlags: rd wr sh dc dd\n`,
      after,
    ];
    const facts = (name: string, hidden: boolean) =>
      factsOf(mappingsOf(lines(name).join('').split('\n')), span, hidden);
    expect(facts('/secretmem (deleted)', true)).toMatchObject({
      lockedByteLength: 4096,
      forkBehaviour: 'absent',
    });
    expect(facts('/tmp/file', true)).toMatchObject({ lockedByteLength: 0 });
    expect(facts('/secretmem (deleted)', false)).toMatchObject({ lockedByteLength: 0 });
  });

  it('a range with a gap, or one that can be executed, is unknown', () => {
    expect(factsIn(before)).toBe('unknown');
    expect(factsIn(before, mapping('2000-2800', 'rw-p', 4, 'lo'), after)).toBe('unknown');
    expect(factsIn(before, mapping('2000-3000', 'rwxp', 4, 'lo'), after)).toBe('unknown');
  });
});
