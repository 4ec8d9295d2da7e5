import { generateKeyPairSync, verify } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { createAllocator, pbkdf2, type Secret, signAsync } from '@securemem/core';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { openBackend } from '../src/backends.mjs';
import { needs } from '../src/run-scenario.js';

const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
const der = (): Uint8Array<ArrayBuffer> => {
  const source = pair.privateKey.export({ format: 'der', type: 'pkcs1' });
  const bytes = new Uint8Array(new ArrayBuffer(source.length));
  bytes.set(source);
  return bytes;
};
const ROUNDS = repetitions(1000);
const AT_ONCE = 4;

/** What became of a signature: a right one, a wrong one, or the code of its refusal. */
const fate = (signing: Promise<Buffer>, data: string): Promise<string> =>
  signing.then(
    (signature) =>
      verify('sha256', Buffer.from(data), pair.publicKey, signature) ? 'right' : 'wrong',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe.each(['koffi', 'napi'])('keys whose end comes while they sign, %s', (name) => {
  it.each(['dispose', 'purge', 'close', 'drop'] as const)(
    `K1 ${ROUNDS} times, by %s: what comes out is right or a refusal, and no neighbour changes`,
    async (ending) => {
      const backend = openBackend(name);
      const neighbour = new Uint8Array(new ArrayBuffer(620)).fill(0x5a);
      const fates = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round++) {
        const memory = createAllocator({ backend, exitHooks: false });
        let key: Secret | undefined = memory.adoptSync(der());
        const signing = Array.from({ length: AT_ONCE }, (_, index) =>
          fate(signAsync('RS256', key as Secret, `${index}`), `${index}`),
        );
        // Some have begun by then, and some have not.
        if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (ending === 'dispose') key.dispose();
        else if (ending === 'purge') memory.purge();
        else if (ending === 'drop') key = undefined;
        const closing = ending === 'close' ? memory.close() : undefined;
        // Whoever comes now would get the place, were it free.
        const next = ending === 'close' ? undefined : memory.adoptSync(neighbour.slice());
        for (const one of await Promise.all(signing)) fates.set(one, (fates.get(one) ?? 0) + 1);
        if (next !== undefined) expect(next.equals(neighbour)).toBe(true);
        await (closing ?? memory.close());
      }
      const allowed = ['right', 'ERR_SECMEM_DISPOSED', 'ERR_SECMEM_CLOSED'];
      expect([...fates.keys()].filter((one) => !allowed.includes(one))).toEqual([]);
      expect(fates.get('right') ?? 0).toBeGreaterThan(ending === 'drop' ? ROUNDS : -1);
      backend[Symbol.dispose]();
    },
    300_000,
  );

  it('K3 a password whose end comes while it is derived from leaves its place alone', async () => {
    const backend = openBackend(name);
    const memory = createAllocator({ backend, exitHooks: false });
    const salt = new Uint8Array(16);
    const options = { byteLength: 32, salt, iterations: 500 };
    const known = await pbkdf2('sha256', new Uint8Array(new ArrayBuffer(64)).fill(3), {
      ...options,
      into: memory,
    });
    for (let round = 0; round < ROUNDS; round++) {
      const password = memory.adoptSync(new Uint8Array(new ArrayBuffer(64)).fill(3));
      const deriving = pbkdf2('sha256', password, options);
      await new Promise((resolve) => setImmediate(resolve));
      password.dispose();
      const next = memory.adoptSync(new Uint8Array(new ArrayBuffer(64)).fill(9));
      const outcome = await deriving.catch((error: { code?: string }) => error.code);
      if (typeof outcome === 'object') {
        expect(outcome.equals(known)).toBe(true);
        outcome.dispose();
      } else expect(outcome).toBe('ERR_SECMEM_DISPOSED');
      expect(next.read((bytes) => bytes.every((byte) => byte === 9))).toBe(true);
      next.dispose();
    }
    await memory.close();
    backend[Symbol.dispose]();
  }, 300_000);

  it(`K1 ${repetitions(100)} workers are terminated while they sign, and the process goes on`, async (context) => {
    needs(context, name);
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      (async () => {
        const { createAllocator, signAsync } = await import(workerData.core);
        const { openBackend } = await import(workerData.backends);
        const memory = createAllocator({ backend: openBackend(workerData.name), exitHooks: false });
        const key = memory.adoptSync(new Uint8Array(workerData.der));
        for (;;) {
          const signing = Array.from({ length: 8 }, (_, index) => signAsync('RS256', key, String(index)));
          parentPort.postMessage('signing');
          await Promise.all(signing);
        }
      })();`;
    const workerData = {
      name,
      core: import.meta.resolve('@securemem/core'),
      backends: new URL('../src/backends.mjs', import.meta.url).href,
      der: der().buffer,
    };
    for (let round = 0; round < repetitions(100); round++) {
      const worker = new Worker(script, { eval: true, workerData });
      await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      expect(await worker.terminate()).toBe(1);
    }
  }, 300_000);
});
