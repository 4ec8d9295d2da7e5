/** V3: who killed a keeper is told apart where the kernel counts, and not claimed where it does not. */
export const memoryKiller = {
  id: 'V3',
  name: 'memory-killer',
  kernels: ['6.1', 'newest'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot }) {
    const { facts } = await boot({ scenario: 'memory-killer', megabytes: 900 });
    const { operator, uncounted, kernel_: byKernel } = facts;
    const holds =
      byKernel.category === 'resource' &&
      operator.category === 'external-kill' &&
      uncounted.category === 'external-kill' &&
      byKernel.code === 'ERR_SECMEM_OUTCOME_UNKNOWN';
    return {
      holds,
      line: `killed by the kernel: ${byKernel.category}; by an operator: ${operator.category}; with nobody counting: ${uncounted.category}`,
      facts,
    };
  },
};
