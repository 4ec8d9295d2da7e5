import { countIn } from '../../guest/count.mjs';
import { needles } from '../../guest/needles.mjs';
import { makeDisk, removeDisk } from '../disk.mjs';

const DISK_MEGABYTES = 768;

/** V1: what was locked or sealed is nowhere on the swap device; an ordinary buffer's content is. */
export const swap = {
  id: 'V1',
  name: 'swap',
  kernels: ['6.1', 'newest'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot }) {
    const disk = makeDisk('swap', DISK_MEGABYTES);
    try {
      const { facts } = await boot({ scenario: 'swap', megabytes: 512, disks: [disk] });
      const found = countIn(disk, needles(['buffer', 'koffi', 'napi', 'napi-hidden', 'sealed']));
      const { buffer = 0, ...protectedOnes } = found;
      const leaked = Object.entries(protectedOnes).filter(([, count]) => count > 0);
      const holds = buffer > 0 && leaked.length === 0;
      const megabytes = Math.round(facts['swappedByteLength'] / 2 ** 20);
      return {
        holds,
        line: `${megabytes} MB on the swap device: ${buffer} of ${facts['controls']} ordinary buffers, ${
          leaked.length === 0 ? 'no secret' : JSON.stringify(Object.fromEntries(leaked))
        }`,
        facts: { ...facts, found },
      };
    } finally {
      removeDisk(disk);
    }
  },
};
