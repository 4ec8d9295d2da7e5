import { spawnSync } from 'node:child_process';
import { confine, proveConfinement } from '@securemem/confined';
import { childLimits, repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { runChild } from './children.js';
import { buildRangesHarness } from './native/ranges-harness.mjs';
import { testBuild } from './native-build.js';

const LIMIT = { memlockByteLength: 65_536, as: 'root' } as const;
const THREADS = 32;
/** 60 in the full run. */
const SECONDS = Math.max(4, repetitions(60));
const FEWER_SECONDS = Math.max(2, repetitions(20));

const harness = buildRangesHarness('plain', []);

/** Every kind of page that a region can lie in. */
const KINDS = [
  ['memfd_secret', 'require'],
  ['locked', 'off'],
] as const;

function requireConfinement(ctx: TestContext): void {
  const proof = proveConfinement(LIMIT);
  if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
}

/**
 * Threads that map and unmap until the lock limit refuses, beside a thread that owns ordinary memory. Everybody waits until the
 * last one is there, so that a slow machine does not make it a test of the start of threads.
 */
const churn = (kernelHidden: string) => `
  const { lookAfterPatterns } = require('./build/test/test_addon.node');
  const worker = \`
    import { parentPort, workerData } from 'node:worker_threads';
    const { napiBackend } = await import(workerData.packageUrl);
    const backend = napiBackend({ kernelHidden: workerData.kernelHidden });
    const begun = new Int32Array(workerData.begun);
    parentPort.postMessage('ready');
    Atomics.wait(begun, 0, 0);
    const live = [], counts = { mapped: 0, refused: 0, other: [] };
    for (let n = 0; Atomics.load(begun, 0) === 1; n++) {
      try { live.push(backend.map(4096 * (1 + n % 3))); counts.mapped++; }
      catch (error) {
        if (error.code === 'ERR_SECMEM_LOCK_LIMIT') counts.refused++;
        else counts.other.push(error.code);
      }
      if (live.length > 2 || Math.random() < .4) {
        const region = live.shift();
        if (region !== undefined) backend.unmap(region);
      }
    }
    for (const region of live) backend.unmap(region);
    parentPort.postMessage(counts);
  \`;
  const begun = new SharedArrayBuffer(4);
  const workers = Array.from({ length: ${THREADS} }, () => new Worker(
    new URL('data:text/javascript,' + encodeURIComponent(worker)),
    { workerData: { packageUrl, kernelHidden: '${kernelHidden}', begun } },
  ));
  const message = (from) => new Promise((resolve, reject) => from.once('message', resolve).once('error', reject));
  await Promise.all(workers.map(message));
  const stop = lookAfterPatterns();
  const done = workers.map(message);
  Atomics.store(new Int32Array(begun), 0, 1);
  Atomics.notify(new Int32Array(begun), 0);
  await new Promise((resolve) => setTimeout(resolve, ${SECONDS * 1000}));
  Atomics.store(new Int32Array(begun), 0, 2);
  const counts = await Promise.all(done);
  const [looked, damaged] = stop();
  const sum = (name) => counts.reduce((total, one) => total + one[name], 0);
  say({ mapped: sum('mapped'), refused: sum('refused'), other: counts.flatMap((one) => one.other), looked, damaged,
        locked: status('VmLck') });
`;

describe('address ranges that are not ours', () => {
  it.for(KINDS)(
    `C1 ${THREADS} threads that the lock limit refuses %s pages leave every byte of other memory alone`,
    { timeout: 240_000 },
    ([, kernelHidden], ctx) => {
      requireConfinement(ctx);
      const built = testBuild();
      if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
      if (kernelHidden === 'require' && built.binding.open(1) < 0) {
        return ctx.skip('not proven: this kernel gives no memfd_secret pages');
      }
      const { memlockByteLength: bytes } = LIMIT;
      const ended = runChild(churn(kernelHidden), { memlock: [bytes, bytes] });
      expect(ended.stderr).toBe('');
      expect(ended.signal).toBe(null);
      const result = ended.result as Record<'mapped' | 'refused' | 'looked', number>;
      expect(result).toMatchObject({ other: [], damaged: 0, locked: 0 });
      // Otherwise nothing was proved.
      expect(result.mapped).toBeGreaterThan(0);
      expect(result.refused).toBeGreaterThan(0);
      expect(result.looked).toBeGreaterThan(0);
    },
  );

  it.for(['hidden', 'locked'])(
    'C1 no native call changes a range that is not ours, whatever is refused to 32 threads: %s pages',
    { timeout: 120_000 },
    (kind, ctx) => {
      requireConfinement(ctx);
      if ('reason' in harness) return ctx.skip(`not proven: ${harness.reason}`);
      const args = [String(FEWER_SECONDS), String(THREADS), kind];
      const line = confine(harness.path, args, LIMIT);
      const ended = spawnSync(line.command, line.args, { ...childLimits(), encoding: 'utf8' });
      if (ended.status === 3) return ctx.skip('not proven: this kernel gives no such pages');
      expect(ended.stderr).toBe('');
      expect(ended.stdout).toMatch(/mapped [1-9]\d*, refused [1-9]/);
      expect(ended.status).toBe(0);
      // The pages that were put into holes prove that there were any.
      if (kind === 'hidden') expect(ended.stdout).toMatch(/pages of strangers [1-9]/);
    },
  );

  it('C1 the harness complains about a mapping over a reservation that is given back as a whole when refused', (ctx) => {
    if ('reason' in harness) return ctx.skip(`not proven: ${harness.reason}`);
    const ended = spawnSync(harness.path, ['control'], { ...childLimits(), encoding: 'utf8' });
    expect(ended.stdout).toBe('complaints 1, pages of strangers 1, damaged 1\n');
    expect(ended.status).toBe(1);
  });
});
