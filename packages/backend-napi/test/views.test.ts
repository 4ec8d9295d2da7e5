import { ReadableStream } from 'node:stream/web';
import { markAsUntransferable } from 'node:worker_threads';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { napiBackend } from '../src/index.js';
import { runChild } from './children.js';

const hasTransfer = 'transfer' in ArrayBuffer.prototype;
const marksBind = Number(process.versions.node.split('.')[0]) >= 24;

/** Takes the buffer away from its holder, as a byte stream does on every version, and gives the alias back. */
async function throughStream(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(bytes);
    },
  });
  const { value } = await stream.getReader().read();
  return value as Uint8Array;
}

describe('openView', () => {
  it('X10 close() empties every array over the buffer, and a late write goes nowhere', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const view = backend.openView(region, 64, 32);
    const held = [
      view.bytes,
      view.bytes.subarray(1),
      Buffer.from(view.bytes.buffer as ArrayBuffer),
      new Uint8Array(view.bytes.buffer),
    ];
    expect(view.bytes.buffer.byteLength).toBe(32);
    expect(view.close()).toBe('revoked');
    expect(view.close()).toBe('revoked');
    expect(view.aliasAlive()).toBe(false);
    for (const array of held) {
      expect(array.length).toBe(0);
      array[0] = 1;
      expect(array[0]).toBeUndefined();
    }
    const content = new Uint8Array(new ArrayBuffer(32));
    backend.read(region, 64, content);
    expect(content.every((byte) => byte === 0)).toBe(true);
  });

  it('close() of one view leaves another of the same bytes alone', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const one = backend.openView(region, 0, 16);
    const other = backend.openView(region, 8, 16);
    one.bytes[8] = 7;
    expect(one.close()).toBe('revoked');
    expect(other.bytes[0]).toBe(7);
    expect(other.close()).toBe('revoked');
  });

  it('close() is not fooled by own properties or by patched prototypes', () => {
    using backend = napiBackend();
    const view = backend.openView(backend.map(backend.pageByteLength), 0, 16);
    const buffer = view.bytes.buffer;
    Object.defineProperty(buffer, 'byteLength', { value: 0 });
    Object.defineProperty(buffer, 'transfer', { value: () => buffer });
    Object.freeze(buffer);
    expect(view.close()).toBe('revoked');
    expect(view.bytes.length).toBe(0);
  });

  it('close() says escaped after a byte stream took the buffer, and aliasAlive() ends with the alias', () => {
    const ended = runChild(
      `
      const backend = napiBackend();
      const region = backend.map(4096);
      const view = backend.openView(region, 0, 16);
      let alias;
      const stream = new ReadableStream({
        type: 'bytes', start(controller) { controller.enqueue(view.bytes); } });
      await stream.getReader().read().then(({ value }) => { alias = value; });
      alias[3] = 9;
      const outcome = view.close();
      const content = new Uint8Array(new ArrayBuffer(16));
      backend.read(region, 0, content);
      const held = [];
      for (let i = 0; i < 20; i++) { gc(); await turn(); }
      held.push(view.aliasAlive(), alias[3]);
      backend[Symbol.dispose]();
      const afterDispose = status('VmLck');
      alias[4] = 1; // The region of an escaped view is still mapped and open.
      const wiped = alias[3];
      alias = undefined;
      let turns = 0;
      while (view.aliasAlive() && turns < 1000) { gc(); await turn(); turns += 1; }
      say({ outcome, written: content[3], held, afterDispose, wiped, alive: view.aliasAlive() });
    `,
      { nodeOptions: ['--expose-gc'] },
    );
    expect(ended.stderr).toBe('');
    expect(ended.result).toEqual({
      outcome: 'escaped',
      written: 9,
      held: [true, 9],
      afterDispose: 4,
      wiped: 0,
      alive: false,
    });
  });

  it('close() says escaped after transfer(), and an alias in another thread is safe until it ends', (ctx) => {
    if (!hasTransfer) ctx.skip('not proven: this Node has no ArrayBuffer.prototype.transfer');
    const ended = runChild(
      `
      const backend = napiBackend();
      const region = backend.map(4096);
      const view = backend.openView(region, 0, 16);
      let alias = view.bytes.buffer.transfer();
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
        import { parentPort } from 'node:worker_threads';
        parentPort.once('message', (buffer) => {
          new Uint8Array(buffer)[0] = 5;
          parentPort.once('message', () => process.exit());
          parentPort.postMessage('written');
        });
      \`)));
      const once = (name) => new Promise((resolve) => worker.once(name, resolve));
      let outcome = view.close();
      let posted = true;
      try { worker.postMessage(alias, [alias]); } catch { posted = false; worker.terminate(); }
      alias = undefined;
      const content = new Uint8Array(new ArrayBuffer(1));
      if (posted) {
        await once('message');
        backend.read(region, 0, content);
        worker.postMessage('end');
        await once('exit');
      }
      let turns = 0;
      while (view.aliasAlive() && turns < 1000) { gc(); await turn(); turns += 1; }
      say({ outcome, content: content[0], posted, alive: view.aliasAlive() });
    `,
      { nodeOptions: ['--expose-gc'] },
    );
    expect(ended.stderr).toBe('');
    expect(ended.result).toMatchObject({ outcome: 'escaped', alive: false });
  });

  it('close() of a buffer that was marked untransferable is stuck where marks bind, and never aborts', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const view = backend.openView(region, 0, 16);
    markAsUntransferable(view.bytes.buffer);
    const outcome = view.close();
    expect(outcome).toBe(marksBind ? 'stuck' : 'revoked');
    expect(view.bytes.length).toBe(marksBind ? 16 : 0);
    expect(view.aliasAlive()).toBe(marksBind);
  });

  it('inspecting aliases of an escaped view through a stream keeps the memory readable until then', async () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const view = backend.openView(region, 0, 16);
    const alias = await throughStream(view.bytes);
    expect(view.close()).toBe('escaped');
    expect(view.aliasAlive()).toBe(true);
    alias[0] = 3;
    const content = new Uint8Array(new ArrayBuffer(1));
    backend.read(region, 0, content);
    expect(content[0]).toBe(3);
  });

  it('10,000 views left to the collector give back every mapping and every locked byte', () => {
    const count = repetitions(10_000);
    const ended = runChild(
      `
      const backend = napiBackend();
      const maps = mappings();
      const baseline = status('VmLck');
      const regions = Array.from({ length: 10 }, () => backend.map(4096));
      for (let i = 0; i < ${count}; i++) backend.openView(regions[i % 10], i % 100, 16).bytes[0] = 1;
      const early = [];
      for (let i = 0; i < 20; i++) { gc(); await turn(); }
      // Numbers of collected views are used again: nothing grows with the number of views that were left.
      for (let i = 0; i < ${count}; i++) backend.openView(regions[i % 10], 0, 16).close();
      backend[Symbol.dispose]();
      say({ locked: status('VmLck') - baseline, more: mappings() - maps });
    `,
      { nodeOptions: ['--expose-gc'] },
    );
    expect(ended.stderr).toBe('');
    expect(ended.result).toMatchObject({ locked: 0 });
    expect((ended.result as { more: number }).more).toBeLessThan(30);
  });

  it('openView() of no bytes is a view that is empty and closes as revoked', () => {
    using backend = napiBackend();
    const view = backend.openView(backend.map(backend.pageByteLength), 5, 0);
    expect(view.bytes.length).toBe(0);
    expect(view.close()).toBe('revoked');
  });

  it('bytes that are first asked for after close() are none, and are the same ones each time', () => {
    using backend = napiBackend();
    const view = backend.openView(backend.map(backend.pageByteLength), 0, 32);
    expect(view.close()).toBe('revoked');
    expect(view.bytes.length).toBe(0);
    expect(view.bytes).toBe(view.bytes);
    const open = backend.openView(backend.map(backend.pageByteLength), 0, 32);
    expect(open.bytes).toBe(open.bytes);
  });

  it('openView() takes numbers only, and runs no code that would make one', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const trap = {
      valueOf() {
        throw new Error('was asked for a number');
      },
    } as unknown as number;
    expect(() => backend.openView(region, trap, 8)).toThrow(TypeError);
    expect(() => backend.openView(region, 0, trap)).toThrow(TypeError);
    expect(() => backend.openView(trap as typeof region, 0, 8)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' }),
    );
  });

  it('openView() throws ERR_SECMEM_NOT_SUPPORTED for a backend that was opened without views', () => {
    using backend = napiBackend({ views: 'none' });
    expect(backend.capabilities.views).toBe('none');
    const region = backend.map(backend.pageByteLength);
    expect(() => backend.openView(region, 0, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_NOT_SUPPORTED' }),
    );
    backend.unmap(region);
    expect(() => backend.openView(region, 0, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' }),
    );
  });
});
