import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hmac } from '@securemem/core';
import { defineKeeper } from '@securemem/keeper';
import { hardenProcess, koffiBackend } from '@securemem/koffi';

/** Ways for a keeper to die by itself. None of them returns but `garbage`. */
const deaths = {
  'exit 0': () => process.exit(0),
  'exit 1': () => process.exit(1),
  'exit 7': () => process.exit(7),
  'cpu limit': spin,
  'heap exhaustion': () => {
    const hoard = [];
    for (;;) hoard.push(new Array(1_000).fill(hoard.length));
  },
  garbage: () => writeSync(3, new Uint8Array(64).fill(0xee)),
};

function spin() {
  for (;;);
}

/** @param {{ detached: boolean }} options */
function leave({ detached }) {
  const child = spawn('/bin/sleep', ['600'], { stdio: ['ignore', 'ignore', 'inherit'], detached });
  child.unref();
  return Buffer.from(String(child.pid));
}

const never = () => new Promise(() => {});
const append = (payload) => writeFileSync(text(payload), `${process.pid}\n`, { flag: 'a' });
const text = (payload) => Buffer.from(payload).toString();

export default /** @type {typeof defineKeeper<any>} */ (defineKeeper)({
  backend: koffiBackend,
  harden: hardenProcess,
  allocator: { budget: { lockedByteLengthMax: 65_536 } },
  provision: ({ memory }) => ({ key: memory.randomSync(32), waiting: [] }),
  operations: {
    echo: (payload) => payload,
    pid: () => Buffer.from(String(process.pid)),

    // Dying while busy: at once, or after a signal that finds an endless loop.
    die: (payload) => {
      deaths[text(payload)]();
      return never();
    },
    hold: never,
    // Outside of V8's heap, so that only the kernel minds.
    devour: () => {
      const hoard = [];
      for (;;) hoard.push(Buffer.alloc(1_048_576, 1));
    },
    spinSoon: () => void setImmediate(spin),

    // Dying while idle: the answer leaves at the end of this turn, the death is in the next.
    dieIdle: (payload) => void setImmediate(deaths[text(payload)]),

    // Dying inside a callback: the host does it, or the keeper itself while the host works.
    callBack: async (payload, { host }) => host.call('act', payload),
    callBackAndDie: async (payload, { host }) => {
      const answer = host.call('act', payload);
      setImmediate(deaths[text(payload)]);
      return answer;
    },

    // What happened, told by files, since nothing else outlives the process.
    appendThenHold: (payload, { generation }) => {
      append(payload);
      return generation === 1 ? never() : undefined;
    },
    // "file, newline, word": the word is the answer.
    appendSlowly: async (payload) => {
      const [file, word] = text(payload).split('\n');
      writeFileSync(/** @type {string} */ (file), `${word}\n`, { flag: 'a' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      return Buffer.from(/** @type {string} */ (word));
    },
    appendThenDie: (payload) => {
      append(payload);
      process.exit(1);
    },
    untilAborted: (payload, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          append(payload);
          resolve(undefined);
        });
      }),

    // Processes that keep the standard error of this one open when this one is gone: of its group, and of one of its own.
    leaveChild: () => leave({ detached: false }),
    leaveStranger: () => leave({ detached: true }),

    // Bytes of our choice on the channel, behind the back of everything.
    forge: (payload) => void writeSync(3, payload),

    status: () => readFileSync('/proc/self/status'),
    limits: () => readFileSync('/proc/self/limits'),
    environment: () => Buffer.from(JSON.stringify([process.env, process.execArgv])),

    ownSecret: (_payload, { state }) => new Uint8Array([state.key.byteLength]),
    fingerprint: (payload, { state }) => hmac('sha256', state.key, payload),
    allocateAll: (_payload, { memory, state }) => {
      for (;;) state.waiting.push(memory.allocateSync(4_096));
    },
    secretSum: (_payload, { secret }) => {
      try {
        return secret.read((bytes) => {
          let sum = 0;
          for (const byte of bytes) sum = (sum + byte) & 255;
          return new Uint8Array([sum, bytes.length & 255, bytes.length >>> 8]);
        });
      } finally {
        secret.dispose();
      }
    },
    purge: (_payload, { memory }) => void memory.purge('asked'),
    throwPlain: () => {
      throw Object.assign(new RangeError('out of range', { cause: new Error('deeper') }), {
        code: 'ERR_PLAIN',
      });
    },
    returnText: () => /** @type {any} */ ('a string'),
  },
});
