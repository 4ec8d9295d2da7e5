import { generateKeyPairSync } from 'node:crypto';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { runChild } from '../children.js';

/** 1,000 in the full run. */
const ROUNDS = repetitions(1000);
/** The same; a worker thread takes long to begin. */
const WORKERS = ROUNDS === 1000 ? 1000 : 20;

const pairs = Array.from({ length: 2 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }));
const der = (index: number): string =>
  pairs[index]?.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('hex') ?? '';

/**
 * Two keys, A and B, and what every program checks: a signature is by A as it was at the call, or it was revoked. Never is it by
 * what has come into its place, nor by a mixture.
 */
const PRELUDE = `
  const { createPrivateKey, createPublicKey, randomBytes, verify, constants } = await import('node:crypto');
  const bytes = (source) => { const made = new Uint8Array(new ArrayBuffer(source.length)); made.set(source); return made; };
  const keys = ['${der(0)}', '${der(1)}'].map((hex) => bytes(Buffer.from(hex, 'hex')));
  const [publicA, publicB] = keys.map((key) =>
    createPublicKey(createPrivateKey({ key: Buffer.from(key), type: 'pkcs1', format: 'der' })));
  const digest = bytes(randomBytes(32));
  const isBy = (key, signature) => {
    const opened = require('node:crypto').publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
    return opened.subarray(-32).equals(digest) && opened[1] === 1;
  };
  const counts = { good: 0, revoked: 0, wrong: [] };
  const note = async ({ signature }) => {
    try {
      if (isBy(publicA, await signature)) counts.good++; else counts.wrong.push('another key');
    } catch (error) {
      if (error.code === 'ERR_SECMEM_DISPOSED') counts.revoked++; else counts.wrong.push(error.code ?? error.message);
    }
  };
  const PAGE = 4096;
  const start = (backend, count, region = backend.map(PAGE)) => {
    backend.write(region, 64, keys[0]);
    backend.protect(region, 'no-access');
    const key = { region, byteOffset: 64, byteLength: keys[0].length };
    return { region, key, pending: Array.from({ length: count }, () => backend.signLater('RS256', key, digest)) };
  };
  // Lets some of them begin, a different number each time.
  const some = async (round) => { for (let i = 0; i < round % 4; i++) await turn(); };
`;

/** What happens under the signatures. Each has `backend`, what `start` gave, and a round. */
const ENDS = {
  'unmap(), and another key mapped in its place': `
    backend.unmap(region);
    const again = backend.map(PAGE);
    backend.write(again, 64, keys[1]);
    await Promise.all(noted);
    backend.unmap(again);`,
  'wipe() of the range, and another key written there': `
    backend.wipe(region, 0, PAGE);
    backend.write(region, 64, keys[1]);
    await Promise.all(noted);
    backend.unmap(region);`,
  'write() of another key over it': `
    backend.write(region, 64, keys[1]);
    await Promise.all(noted);
    backend.unmap(region);`,
  'a write() that changes one byte of it': `
    backend.write(region, 64 + keys[0].length - 1, bytes([keys[1].at(-1) ^ 1]));
    await Promise.all(noted);
    backend.unmap(region);`,
  'revoke(), and a view that is written through': `
    for (const one of pending) one.revoke();
    backend.protect(region, 'read-write');
    const view = backend.openView(region, 0, PAGE);
    view.bytes.set(keys[1], 64);
    view.close();
    await Promise.all(noted);
    backend.unmap(region);`,
  'protect() back and forth, and reads and writes beside it': `
    for (let i = 0; i < 20; i++) {
      backend.protect(region, ['read-only', 'read-write', 'no-access'][i % 3]);
      backend.write(region, 0, bytes([i, round & 255]));
      const found = bytes([0, 0]);
      backend.read(region, 0, found);
      if (found[0] !== i) counts.wrong.push('a byte beside the key');
    }
    backend.protect(region, 'no-access');
    await Promise.all(noted);
    if (backend.inspect([region])[0].protection !== 'no-access') counts.wrong.push('a page that stays open');
    backend.unmap(region);`,
  'a garbage collection of all that was handed out': `
    pending.length = 0;
    globalThis.gc();
    await Promise.all(noted);
    backend.unmap(region);`,
} as const;

const closing = `
  for (let round = 0; round < ${ROUNDS}; round++) {
    const backend = napiBackend({ kernelHidden: round % 2 ? 'off' : 'prefer' });
    const { pending } = start(backend, 3);
    const noted = pending.map(note);
    await some(round);
    backend[Symbol.dispose]();
    await Promise.all(noted);
  }
  say({ ...counts, locked: status('VmLck') });
`;

describe('K1 a signature that another thread calculates', () => {
  it.for(Object.entries(ENDS))(
    `K1 ${ROUNDS} times: %s frees and reuses nothing under it`,
    { timeout: 600_000 },
    ([, end]) => {
      const ended = runChild(
        `${PRELUDE}
        const backend = napiBackend();
        for (let round = 0; round < ${ROUNDS}; round++) {
          const { region, key, pending } = start(backend, 3);
          const noted = pending.map(note);
          await some(round);
          ${end}
        }
        say({ ...counts, locked: status('VmLck') });`,
        { nodeOptions: ['--expose-gc'] },
      );
      expect(ended.stderr).toBe('');
      expect(ended.signal).toBe(null);
      const { good, revoked, ...rest } = ended.result as Record<string, number>;
      expect(rest).toEqual({ wrong: [], locked: 0 });
      expect((good as number) + (revoked as number)).toBe(3 * ROUNDS);
      expect(good).toBeGreaterThan(0);
    },
  );

  it(`K1 ${ROUNDS} times: closing the backend frees and reuses nothing under it`, {
    timeout: 600_000,
  }, () => {
    const ended = runChild(PRELUDE + closing);
    expect(ended.stderr).toBe('');
    const { good, revoked, ...rest } = ended.result as Record<string, number>;
    expect(rest).toEqual({ wrong: [], locked: 0 });
    expect((good as number) + (revoked as number)).toBe(3 * ROUNDS);
    expect(revoked).toBeGreaterThan(0);
  });

  it(`K1 ${WORKERS} times: worker.terminate() frees and reuses nothing under it, and wipes the region`, {
    timeout: 600_000,
  }, () => {
    const worker = `
        import { parentPort, workerData } from 'node:worker_threads';
        const { napiBackend } = await import(workerData.packageUrl);
        const backend = napiBackend();
        const region = backend.map(4096);
        backend.write(region, 64, workerData.key);
        backend.protect(region, 'no-access');
        const key = { region, byteOffset: 64, byteLength: workerData.key.length };
        const digest = new Uint8Array(new ArrayBuffer(32));
        const pending = Array.from({ length: 8 }, () => backend.signLater('RS256', key, digest));
        await pending[0].signature;
        parentPort.postMessage('begun');
        await Promise.all(pending.map(({ signature }) => signature));
      `;
    const ended = runChild(`${PRELUDE}
        const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
        let begun = 0;
        for (let round = 0; round < ${WORKERS}; round++) {
          const worker = new Worker(url, { workerData: { packageUrl, key: keys[0] } });
          await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
          begun++;
          await some(round);
          await worker.terminate();
        }
        say({ begun, locked: status('VmLck') });
      `);
    expect(ended.stderr).toBe('');
    expect(ended.signal).toBe(null);
    expect(ended.result).toEqual({ begun: WORKERS, locked: 0 });
  });

  it('K1 process.exit() while signatures are calculated ends the process in order', () => {
    for (let round = 0; round < repetitions(50); round += 1) {
      const ended = runChild(`${PRELUDE}
        const { pending } = start(napiBackend(), 200);
        await pending[0].signature;
        say('begun');
        process.exit(7);
      `);
      expect([ended.code, ended.signal, ended.stderr, ended.result]).toEqual([
        7,
        null,
        '',
        'begun',
      ]);
    }
  });

  it('K1 1,000 RSA signatures in flight do not block the loop', { timeout: 240_000 }, () => {
    const ended = runChild(`${PRELUDE}
      const backend = napiBackend();
      const { key, pending: [first] } = start(backend, 1);
      await first.signature;
      let settled = 0, turns = 0;
      const from = performance.now();
      const pending = Array.from({ length: 1000 }, () => backend.signLater('RS256', key, digest));
      const begun = performance.now();
      await new Promise((resolve) => {
        for (const { signature } of pending) signature.then(() => { if (++settled === 1000) resolve(); });
        const again = () => { turns++; if (settled < 1000) setImmediate(again); };
        again();
      });
      say({ settled, turns, share: (begun - from) / (performance.now() - from) });
    `);
    expect(ended.stderr).toBe('');
    const found = ended.result as Record<string, number>;
    expect(found).toMatchObject({ settled: 1000 });
    // The loop goes round while the pool works, far more often than there are answers.
    expect(found['turns']).toBeGreaterThan(1000);
    // Were they calculated where they are asked for, beginning them would be nearly all there is.
    expect(found['share']).toBeLessThan(0.5);
  });
});
