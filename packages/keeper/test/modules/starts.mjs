// Every way in which a start can fail, chosen by the environment that the host gives.
import { appendFileSync, writeSync } from 'node:fs';
import { SecureMemoryError } from '@securemem/core';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const { FAULT, LOG } = process.env;
if (LOG) appendFileSync(LOG, `${process.pid}\n`);
if (FAULT === 'throw on import') throw new Error('the module throws');
if (FAULT === 'exit on import') process.exit(0);

const provision = {
  reject: async () => {
    throw new SecureMemoryError('ERR_SECMEM_INPUT_INVALID', 'no key in the file');
  },
  exit: () => process.exit(3),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => new Promise(() => {}),
  'keep alive': () => new Promise(() => setInterval(() => {}, 1_000)),
  garbage: () => {
    writeSync(3, new Uint8Array(32).fill(1));
    return new Promise(() => {});
  },
  ask: ({ host }) => host.call('key'),
};

const definition = {
  backend: FAULT === 'no backend' ? () => JSON.parse('') : () => nolockBackend(),
  harden: () =>
    FAULT === 'harden' ? { failed: [{ step: 'lock-limit', reason: 'not permitted' }] } : {},
  provision: provision[FAULT] ?? (() => {}),
  operations: {
    echo: (payload) => payload,
    state: (_payload, { state }) => state,
    fill: (_payload, { memory }) => {
      for (;;) memory.allocateSync(4_096);
    },
  },
};

export default FAULT === 'no definition' ? { operations: 1 } : defineKeeper(definition);
