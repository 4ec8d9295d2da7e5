import { countIn } from '../../guest/count.mjs';
import { needles } from '../../guest/needles.mjs';
import { makeDisk, removeDisk } from '../disk.mjs';

const DISK_MEGABYTES = 1_024;

/**
 * V5: an image of a machine that hibernates has what is locked, which is the documented limit; hidden pages keep the whole machine
 * from it, so nobody gets them there without asking.
 */
export const hibernation = {
  id: 'V5',
  name: 'hibernation',
  kernels: ['6.1', 'newest'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot }) {
    const disk = makeDisk('hibernation', DISK_MEGABYTES);
    try {
      const { facts } = await boot({
        scenario: 'hibernation',
        megabytes: 700,
        disks: [disk],
        parameters: 'hibernate=nocompress',
        endsWith: ({ hibernating }) => hibernating === true,
      });
      const found = countIn(
        disk,
        needles(['buffer', 'koffi', 'napi', 'napi-hidden', 'sealed', 'released']),
      );
      const { byDefault, withHidden } = facts;
      const holds =
        Number(found['buffer']) > 0 &&
        Number(found['koffi']) > 0 &&
        found['napi-hidden'] === 0 &&
        found['sealed'] === 0 &&
        found['released'] === 0 &&
        byDefault.kernelHidden === false &&
        withHidden.refusal !== undefined;
      return {
        holds,
        line: `the image has a locked secret ${found['koffi']} times, a sealed one ${found['sealed']} times, a disposed one ${found['released']} times; with a hidden page the kernel answers ${withHidden.refusal}; by default kernelHidden is ${byDefault.kernelHidden}`,
        facts: { ...facts, found },
      };
    } finally {
      removeDisk(disk);
    }
  },
};
