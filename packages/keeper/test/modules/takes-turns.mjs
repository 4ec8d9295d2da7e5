// Says when its start begins and when it ends, and gives others the time to come in between.
import { appendFileSync } from 'node:fs';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const say = (/** @type {string} */ what) =>
  appendFileSync(/** @type {string} */ (process.env['LOG']), `${process.pid} ${what}\n`);
say('begins');

export default defineKeeper({
  backend: nolockBackend,
  provision: async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    say('ends');
  },
  operations: { echo: (payload) => payload },
});
