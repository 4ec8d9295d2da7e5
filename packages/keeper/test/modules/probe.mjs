// Shows what its process is, and does on the channel what PROBE asks for: behind the back of its own program.
import { readdirSync, readlinkSync, writeSync } from 'node:fs';
import inspector from 'node:inspector';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const { OPEN_DEBUGGER, FORGE } = process.env;
const openAt = (step) => {
  if (OPEN_DEBUGGER === step) inspector.open(0);
};
openAt('import');

const output = new Uint8Array(new ArrayBuffer(1_048_576));
const json = (value) => Buffer.from(JSON.stringify(value));

export default defineKeeper({
  backend: () => nolockBackend(),
  harden: () => openAt('harden'),
  provision: async () => {
    if (OPEN_DEBUGGER) console.error('provisioned');
    openAt('provision');
    if (FORGE) {
      writeSync(3, Buffer.from(FORGE, 'hex'));
      return new Promise(() => setInterval(() => {}, 1_000));
    }
  },
  operations: {
    echo: (payload) => payload,
    hold: () => new Promise(() => {}),
    // The answer is there after 300 ms, whether anybody listens or not.
    slow: (payload) => new Promise((resolve) => setTimeout(() => resolve(payload), 300)),
    forge: (payload) => void writeSync(3, payload),
    debugger: () => json(inspector.url() ?? null),
    environment: () => json([process.env, process.execArgv, process.cwd()]),
    // The target of every descriptor; one is the directory itself, which is gone when it is asked.
    descriptors: () =>
      json(
        readdirSync('/proc/self/fd').flatMap((name) => {
          try {
            return [readlinkSync(`/proc/self/fd/${name}`)];
          } catch {
            return [];
          }
        }),
      ),
    // One output buffer for all calls, which is ordinary: filled, answered from, filled again.
    reuse: (payload) => {
      const [byteLength, value] = new Uint32Array(payload.slice().buffer);
      return output.subarray(0, byteLength).fill(value);
    },
    odd: (payload) => {
      const result = new Uint8Array(
        new /** @type {any} */ (ArrayBuffer)(64, { maxByteLength: 128 }),
      );
      return payload[0] === 0 ? result : new Uint8Array(new SharedArrayBuffer(64));
    },
    wipeSecret: (_payload, { secret }) => void secret.dispose(),
    secretSum: (_payload, { secret }) => {
      const sum = secret.read((bytes) => bytes.reduce((total, byte) => (total + byte) & 255, 0));
      secret.dispose();
      return new Uint8Array([sum]);
    },
    secretLength: (_payload, { secret }) => json(secret.byteLength),
    // As many calls to the host as the payload says, with payloads that are overwritten at once; the sum of all answers.
    ask: async (payload, { host }) => {
      const [calls] = new Uint32Array(payload.slice().buffer);
      const asked = Array.from({ length: calls }, (_, n) => {
        const question = new Uint32Array([n]);
        const answer = host.call('act', new Uint8Array(question.buffer));
        question.fill(4_294_967_295);
        return answer;
      });
      const answers = await Promise.all(asked);
      return json(answers.map((answer) => [answer.length, answer[0], answer.at(-1)]));
    },
    // Throws what no program should: an error whose parts cannot be read.
    throwOdd: (payload) => {
      const odd = [
        Object.assign(new Error('x'), { message: { toString: 1, valueOf: 1 } }),
        Object.assign(new Error('x'), { name: 'n'.repeat(200_000) }),
        new Proxy(new Error('x'), {
          getPrototypeOf: () => {
            throw new Error('trap');
          },
        }),
        Object.defineProperty(new Error('x'), 'message', {
          get: () => {
            throw new Error('getter');
          },
        }),
        Object.assign(new Error('x'), { code: '\u0001'.repeat(100_000) }),
      ];
      throw odd[payload[0]];
    },
    twice: () => {
      const thenable = {
        then: (resolve) => {
          resolve(new Uint8Array([1]));
          resolve(new Uint8Array([2]));
        },
      };
      return /** @type {any} */ (thenable);
    },
  },
});
