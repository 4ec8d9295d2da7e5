// Little locked memory, and operations that wait for it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

/** @type {import('@securemem/core').Secret[]} */
const taken = [];
/** With what guards it, a page. */
const BYTE_LENGTH = 4_000;
const json = (value) => Buffer.from(JSON.stringify(value));

async function take(memory, signal) {
  const secret = await memory.allocate(BYTE_LENGTH, { signal });
  secret.dispose();
  return Buffer.from('took');
}

export default defineKeeper({
  backend: () => nolockBackend(),
  // Room for what comes in, and for two pages.
  allocator: { budget: { lockedByteLengthMax: 16_384 }, admission: { waitMsMax: 600_000 } },
  operations: {
    echo: (payload) => payload,
    hold: () => new Promise(() => {}),
    takeAll: (_payload, { memory }) => {
      try {
        for (;;) taken.push(memory.allocateSync(BYTE_LENGTH));
      } catch {
        return json(taken.length);
      }
    },
    free: () => {
      for (const secret of taken.splice(0)) secret.dispose();
      return undefined;
    },
    take: (_payload, { memory, signal }) => take(memory, signal),
    // The wait begins in a later turn, by way of nothing but promises.
    takeLater: async (_payload, { memory, signal }) => {
      await nextTurn();
      return take(memory, signal);
    },
    // Two waits at once, and one after them.
    takeThrice: async (_payload, { memory, signal }) => {
      await Promise.all([take(memory, signal), take(memory, signal)]);
      return take(memory, signal);
    },
    // Answers, and goes on waiting for nobody.
    takeUnheard: (_payload, { memory, signal }) => {
      take(memory, signal).catch(() => {});
      return Buffer.from('answered');
    },
    lengthOf: (_payload, { secret }) => {
      const { byteLength } = /** @type {import('@securemem/core').Secret} */ (secret);
      secret?.dispose();
      return json(byteLength);
    },
    secrets: (_payload, { memory }) => json(memory.stats().secrets),
  },
});
