/** What the engine may have mapped of its own between two fillings. */
const ENGINE_MAPPINGS = 16;

/** V6: what a machine is short of is said with the right code and in true words, and a receipt says what is missing. */
export const limits = {
  id: 'V6',
  name: 'limits',
  kernels: ['6.1', '5.10'],
  /** @param {import('../factory.mjs').Bench} bench */
  async run({ boot }) {
    const { facts } = await boot({
      scenario: 'limits',
      megabytes: 1_000,
      parameters: 'secretmem.enable=0',
    });
    const found = ['koffi', 'napi'].flatMap((backend) => {
      const about = (/** @type {string} */ trial) => facts[`${trial} ${backend}`] ?? {};
      const mappings = about('mappings');
      const overcommit = about('overcommit');
      const fork = about('wipe-on-fork');
      const hidden = about('no-hidden');
      return Object.entries({
        [`${backend}: mappings`]:
          mappings.code === 'ERR_SECMEM_MAP_LIMIT' &&
          mappings.again >= mappings.count - ENGINE_MAPPINGS &&
          mappings.ok &&
          mappings.doctor.length > 0,
        [`${backend}: overcommit`]:
          overcommit.code === 'ERR_SECMEM_OUT_OF_MEMORY' && overcommit.locked && overcommit.ok,
        [`${backend}: no MADV_WIPEONFORK`]:
          fork.forkBehaviour === 'absent' && fork.forkSafe && fork.locked && fork.ok,
        [`${backend}: no memfd_secret`]:
          hidden.refusal?.code === 'ERR_SECMEM_BACKEND_UNAVAILABLE' &&
          hidden.kernelHidden === false &&
          hidden.locked,
      });
    });
    const wrong = found.filter(([, holds]) => !holds).map(([name]) => name);
    return {
      holds: wrong.length === 0,
      line:
        wrong.length === 0
          ? 'receipts, errors and the doctor are right in all eight cases'
          : `wrong: ${wrong.join(', ')}`,
      facts,
    };
  },
};
