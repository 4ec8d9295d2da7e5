// Holds a key that came through a descriptor or through the channel. With PLANT set it also keeps a careless copy.
import { hmac } from '@securemem/core';
import { defineKeeper } from '@securemem/keeper';
import { hardenProcess, koffiBackend } from '@securemem/koffi';

const copies = [];

export default /** @type {typeof defineKeeper<any>} */ (defineKeeper)({
  backend: koffiBackend,
  harden: hardenProcess,
  provision: async ({ memory, descriptors: [descriptor] }) => ({
    key: descriptor === undefined ? undefined : await memory.fromFd(descriptor, { byteLength: 32 }),
  }),
  operations: {
    take: (_payload, { secret, state }) => {
      state.key = secret;
      return undefined;
    },
    takeCarelessly: (payload, { memory, state }) => {
      copies.push(payload);
      state.key = memory.adoptSync(payload.slice());
      return undefined;
    },
    mac: (payload, { state }) => hmac('sha256', state.key, payload),
  },
});
