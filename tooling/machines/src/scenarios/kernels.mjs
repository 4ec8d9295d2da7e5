import { OPENINGS } from '../project.mjs';

/**
 * V4: the conformance suite with each backend on each kernel, and what a receipt says there. A kernel without memfd_secret refuses
 * the backends that require it.
 */
export const kernels = {
  id: 'V4',
  name: 'kernels',
  kernels: ['5.10', '6.1', '6.12', 'newest', '6.1-arm64'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot, kernel }) {
    const { facts } = await boot({ scenario: 'conformance', megabytes: 1_500 });
    const hides = kernel.id !== '5.10';
    const said = Object.keys(OPENINGS)
      .filter((backend) => backend in facts)
      .map((backend) => {
        const { passed, others, unavailable, receipt } = facts[backend];
        const hidden = backend.endsWith('-hidden');
        if (unavailable !== undefined) {
          return { backend, holds: hidden && !hides, words: 'refused' };
        }
        const failed = others.filter((/** @type {any} */ one) => one.outcome === 'failed');
        const holds =
          failed.length === 0 && receipt.ok && receipt.locked && receipt.kernelHidden === hidden;
        return {
          backend,
          holds,
          words: `${passed} passed, ${failed.length} failed, ${others.length - failed.length} not proven`,
        };
      });
    return {
      holds: said.every(({ holds }) => holds),
      line: said.map(({ backend, words }) => `${backend} ${words}`).join('; '),
      facts,
    };
  },
};
