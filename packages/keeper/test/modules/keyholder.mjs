// Holds a key that came through a descriptor or through the channel. With PLANT set it also keeps a careless copy.
import { readSync } from 'node:fs';
import { hmac } from '@securemem/core';
import { defineKeeper } from '@securemem/keeper';
import { hardenProcess, koffiBackend } from '@securemem/koffi';

const copies = [];

export default defineKeeper({
  backend: koffiBackend,
  harden: hardenProcess,
  provision: ({ memory, descriptors }) => {
    if (descriptors.length === 0) return { key: undefined };
    const key = memory.allocateSync(32);
    key.write((bytes) => readSync(descriptors[0], bytes, 0, 32, 0));
    return { key };
  },
  operations: {
    take: (_payload, { secret, state }) => {
      state.key = secret;
    },
    takeCarelessly: (payload, { memory, state }) => {
      copies.push(payload);
      state.key = memory.adoptSync(payload.slice());
    },
    mac: (payload, { state }) => hmac('sha256', state.key, payload),
  },
});
