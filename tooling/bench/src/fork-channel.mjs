import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('./children/fork-echo.mjs', import.meta.url));

/** What a keeper's channel is compared with: Node's own, with advanced serialisation, and calls matched to answers. */
export function openForkChannel() {
  const child = fork(file, { serialization: 'advanced' });
  /** @type {Map<number, (payload: Uint8Array) => void>} */
  const waiting = new Map();
  let last = 0;
  child.on('message', (/** @type {{ id: number, payload: Uint8Array }} */ { id, payload }) => {
    waiting.get(id)?.(payload);
    waiting.delete(id);
  });
  return {
    /** @param {Uint8Array} payload @returns {Promise<Uint8Array>} */
    call: (payload) =>
      new Promise((resolve) => {
        last += 1;
        waiting.set(last, resolve);
        child.send({ id: last, payload });
      }),
    close: () => child.disconnect(),
  };
}
