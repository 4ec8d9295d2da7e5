import { describe, expect, it } from 'vitest';
import { mayHibernate } from '../src/contract/index.js';
import { whyReadable } from '../src/places/receipt.js';

const machine = (files: Record<string, string>) => (path: string) => files[path];
const STATE = '/sys/power/state';
const DISK = '/sys/power/disk';

describe('hibernation and pages that are hidden from the kernel', () => {
  it.each([
    ['offers it', { [STATE]: 'freeze mem disk\n', [DISK]: '[platform] shutdown reboot\n' }, true],
    ['offers it and hides how', { [STATE]: 'freeze mem disk\n' }, true],
    ['has it disabled', { [STATE]: 'freeze mem disk\n', [DISK]: '[disabled]\n' }, false],
    ['sleeps without it', { [STATE]: 'freeze mem\n' }, false],
    ['has another state of a like name', { [STATE]: 'freeze diskless\n' }, false],
    ['does not sleep', { [STATE]: '\n' }, false],
    ['does not tell, as in a container', {}, false],
  ])('a machine that %s', (_, files, hibernates) => {
    expect(mayHibernate(machine(files))).toBe(hibernates);
  });

  it('the receipt names the price where there is one', () => {
    expect(whyReadable('because', true)).toMatch(/because; this machine can hibernate.*'require'/);
    expect(whyReadable('because', false)).toMatch(/because$/);
  });
});
