import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { Conversation, runChild } from './children.js';
import { makeMarker, markerExpression, occurrencesInProcess } from './process-memory.js';

describe('environments', () => {
  it('A15 1,000 worker threads that open, lock and end leave no locked byte and no mapping', () => {
    const ended = runChild(`
      const run = (work) => new Promise((resolve, reject) => {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
          import { workerData } from 'node:worker_threads';
          const { napiBackend } = await import(workerData);
          const backend = napiBackend();
          const region = backend.map(8192);
          backend.write(region, 0, new Uint8Array(new ArrayBuffer(100)).fill(7));
          globalThis.view = backend.openView(region, 0, 100);
          backend.protect(backend.map(4096), 'no-access');
        \`)), { workerData: packageUrl });
        worker.on('error', reject).on('exit', resolve);
      });
      const four = () => Promise.all([run(), run(), run(), run()]);
      // Each round leaves what the C library keeps of its threads; the first rounds fill that up.
      for (let i = 0; i < 5; i++) await four();
      const maps = mappings();
      for (let i = 0; i < ${Math.ceil(repetitions(1000) / 4)}; i++) await four();
      say({ locked: status('VmLck'), more: mappings() - maps });
    `);
    expect(ended.stderr).toBe('');
    expect(ended.result).toMatchObject({ locked: 0 });
    // A region that was left would add at least one mapping for each of two regions in every thread.
    expect((ended.result as { more: number }).more).toBeLessThan(2 * repetitions(1000));
  }, 600_000);

  it('A15 worker.terminate() in the middle of a busy loop wipes and unmaps what the thread held', async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('not proven: the observer must be root');
    const marker = makeMarker();
    const held = new Conversation(`
      const baseline = status('VmLck');
      const seen = [];
      let worker;
      for (let i = 0; i < ${repetitions(50)}; i++) {
        worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
          import { parentPort, workerData } from 'node:worker_threads';
          const { napiBackend } = await import(workerData);
          const backend = napiBackend({ kernelHidden: 'off' });
          const region = backend.map(65536);
          const bytes = ${markerExpression(marker).replaceAll('\n', ' ')};
          backend.write(region, 1000, bytes);
          bytes.fill(0);
          const view = backend.openView(region, 1000, 64);
          backend.protect(backend.map(4096), 'no-access');
          parentPort.postMessage('busy');
          for (;;) view.bytes[0] = view.bytes[0];
        \`)), { workerData: packageUrl });
        await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
        seen.push(status('VmLck') - baseline);
        if (i === 0) {
          say('busy');
          await new Promise((resolve) => process.stdin.once('data', resolve));
        }
        await worker.terminate();
        seen.push(status('VmLck') - baseline);
      }
      say(seen);
      process.stdin.once('data', () => process.exit());
    `);
    try {
      expect(await held.hear()).toBe('busy');
      const pid = held.child.pid as number;
      expect(occurrencesInProcess(pid, marker)).toBe(1);
      held.tell('go on');
      const seen = (await held.hear()) as number[];
      expect(seen.filter((_, index) => index % 2 === 0).every((locked) => locked === 68)).toBe(
        true,
      );
      expect(seen.filter((_, index) => index % 2 === 1).every((locked) => locked === 0)).toBe(true);
      expect(occurrencesInProcess(pid, marker)).toBe(0);
    } finally {
      held.child.kill('SIGKILL');
      await held.ended;
    }
  }, 60_000);

  it('a thread that ends with an escaped view in another thread leaves that memory mapped and wiped', (ctx) => {
    if (!('transfer' in ArrayBuffer.prototype)) {
      ctx.skip('not proven: this Node has no ArrayBuffer.prototype.transfer');
    }
    const ended = runChild(`
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
        import { parentPort, workerData } from 'node:worker_threads';
        const { napiBackend } = await import(workerData);
        const backend = napiBackend();
        const view = backend.openView(backend.map(4096), 0, 16);
        view.bytes.fill(7);
        const alias = view.bytes.buffer.transfer();
        const outcome = view.close();
        parentPort.postMessage({ alias, outcome }, [alias]);
        parentPort.once('message', () => {});
      \`)), { workerData: packageUrl });
      const { alias, outcome } = await new Promise((resolve) => worker.once('message', resolve));
      const before = new Uint8Array(alias)[0];
      await worker.terminate();
      const after = new Uint8Array(alias);
      say({ outcome, before, after: after.length === 0 ? 0 : after[0] });
    `);
    expect(ended.stderr).toBe('');
    expect(ended.result).toEqual({ outcome: 'escaped', before: 7, after: 0 });
  });

  it('an id of one thread is refused by the backend of another', () => {
    const ended = runChild(`
      const backend = napiBackend();
      const mine = backend.map(4096);
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
        import { parentPort, workerData } from 'node:worker_threads';
        const { napiBackend } = await import(workerData.packageUrl);
        const backend = napiBackend();
        backend.map(4096);
        try { backend.wipe(workerData.mine, 0, 1); parentPort.postMessage('wiped'); }
        catch (error) { parentPort.postMessage(error.code); }
      \`)), { workerData: { packageUrl, mine } });
      say(await new Promise((resolve) => worker.once('message', resolve)));
    `);
    expect(ended.result).toBe('ERR_SECMEM_DISPOSED');
  });
});
