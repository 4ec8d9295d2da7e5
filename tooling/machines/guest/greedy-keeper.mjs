import { defineKeeper } from '@securemem/keeper';
import { koffiBackend } from '@securemem/koffi';

/** @type {Uint8Array[]} */
const hoard = [];

export default defineKeeper({
  backend: koffiBackend,
  operations: {
    pid: () => new Uint8Array(Uint32Array.of(process.pid).buffer),
    wait: () => new Promise(() => undefined),
    grow: () => {
      for (;;) hoard.push(new Uint8Array(2 ** 22).fill(1));
    },
  },
});
