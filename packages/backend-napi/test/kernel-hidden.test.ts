import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childLimits } from '@securemem/proof';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { napiBackend } from '../src/index.js';
import { Conversation, runChild } from './children.js';
import { testBuild } from './native-build.js';
import {
  lockedMapping,
  type Marker,
  makeMarker,
  markerExpression,
  occurrences,
} from './process-memory.js';

const EFAULT = 14;
const OFFSET = 128;
const directory = mkdtempSync(join(tmpdir(), 'securemem-hidden-'));
const built = testBuild();

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A process that holds one marker in a region and another in ordinary memory, where every search must find it. */
function holder(kernelHidden: 'require' | 'off', secret: Marker, planted: Marker, cwd: string) {
  return new Conversation(
    `
    const backend = napiBackend({ kernelHidden: '${kernelHidden}' });
    const region = backend.map(4096);
    const bytes = ${markerExpression(secret)};
    backend.write(region, ${OFFSET}, bytes);
    bytes.fill(0);
    globalThis.planted = ${markerExpression(planted)};
    say('ready');
    process.stdin.once('data', () => process.abort());
  `,
    { cwd, wrapper: ['prlimit', '--core=unlimited'] },
  );
}

function requireObserver(ctx: TestContext): void {
  if (process.platform !== 'linux') ctx.skip('not proven: memfd_secret is a thing of Linux');
  if (process.getuid?.() !== 0) ctx.skip('not proven: the observer must be root');
  if (!napiBackend.probe({ kernelHidden: 'require' }).available) {
    ctx.skip('not proven: this kernel gives no memfd_secret pages');
  }
}

/** What `/proc/<pid>/mem` says at the secret: the bytes, or the code of the error. */
function readMem(pid: number, address: bigint): Buffer | string {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  const target = Buffer.alloc(64);
  try {
    readSync(fd, target, 0, target.length, address);
    return target;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code as string;
  } finally {
    closeSync(fd);
  }
}

async function withHolder(
  kernelHidden: 'require' | 'off',
  use: (pid: number, secret: Marker, planted: Marker, held: Conversation, cwd: string) => unknown,
): Promise<void> {
  const secret = makeMarker();
  const planted = makeMarker();
  const cwd = mkdtempSync(join(directory, 'holder-'));
  const held = holder(kernelHidden, secret, planted, cwd);
  try {
    await held.hear();
    await use(held.child.pid as number, secret, planted, held, cwd);
  } finally {
    held.child.kill('SIGKILL');
    await held.ended;
  }
}

describe('kernelHidden', () => {
  it('prefer takes no hidden pages on a machine that may hibernate, require and the same machine without do', (ctx) => {
    requireObserver(ctx);
    const state = join(directory, 'state');
    writeFileSync(state, 'freeze mem disk\n');
    const capabilities = `const hidden = (kernelHidden) => napiBackend({ kernelHidden }).capabilities.kernelHidden;
      say([hidden(undefined), hidden('prefer'), hidden('require'), hidden('off')]);`;
    // In a mount namespace of its own, the kernel seems to offer hibernation.
    const mount = ['unshare', '--mount', 'sh', '-c'];
    const script = `mount --bind '${state}' /sys/power/state && exec "$@"`;
    const may = runChild(capabilities, { wrapper: [...mount, script, 'sh'] });
    if (may.result === undefined)
      return ctx.skip(`not proven: nothing can be mounted: ${may.stderr}`);
    expect(may.result).toEqual([false, false, true, false]);
    writeFileSync(state, 'freeze mem\n');
    const cannot = runChild(capabilities, { wrapper: [...mount, script, 'sh'] });
    expect(cannot.result).toEqual([true, true, true, false]);
  });

  it('X7 map() gives a memfd_secret mapping that is locked, and leaves no descriptor open', async (ctx) => {
    requireObserver(ctx);
    await withHolder('require', (pid) => {
      expect(lockedMapping(pid).name).toContain('secretmem');
      const open = spawnSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' }).stdout;
      expect(open).not.toContain('secretmem');
    });
  });

  it('/proc/<pid>/mem of a hidden region is EIO for root, and of a locked one shows the bytes', async (ctx) => {
    requireObserver(ctx);
    await withHolder('require', (pid) => {
      expect(readMem(pid, lockedMapping(pid).start + BigInt(OFFSET))).toBe('EIO');
    });
    await withHolder('off', (pid, secret) => {
      expect(readMem(pid, lockedMapping(pid).start + BigInt(OFFSET))).toEqual(secret.bytes);
    });
  });

  it('process_vm_readv of a hidden region is EFAULT for root, and of a locked one shows the bytes', async (ctx) => {
    requireObserver(ctx);
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { readProcess } = built.addon;
    const target = Buffer.alloc(64);
    await withHolder('require', (pid) => {
      const address = lockedMapping(pid).start + BigInt(OFFSET);
      expect(readProcess(pid, address, target)).toBe(-EFAULT);
    });
    await withHolder('off', (pid, secret) => {
      const address = lockedMapping(pid).start + BigInt(OFFSET);
      expect(readProcess(pid, address, target)).toBe(64);
      expect(target).toEqual(secret.bytes);
    });
  });

  it.for(['require', 'off'] as const)(
    'a core file of the kernel has no byte of a region (kernelHidden %s), and has what lies in ordinary memory',
    async (kernelHidden, ctx) => {
      requireObserver(ctx);
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
      if (!/^[^|/]+$/.test(pattern)) ctx.skip(`not proven: core files go elsewhere (${pattern})`);
      await withHolder(kernelHidden, async (_pid, secret, planted, held, cwd) => {
        held.tell('abort');
        expect(await held.ended).toEqual([null, 'SIGABRT']);
        const [core] = readdirSync(cwd).filter((name) => name.startsWith('core'));
        if (core === undefined) return ctx.skip('not proven: the kernel wrote no core file here');
        expect(occurrences(join(cwd, core), planted)).toBeGreaterThan(0);
        expect(occurrences(join(cwd, core), secret)).toBe(0);
      });
    },
  );

  it('gcore -a as root finds the bytes of a locked region and none of a hidden one', async (ctx) => {
    requireObserver(ctx);
    if (spawnSync('gcore', ['-v']).error !== undefined)
      ctx.skip('not proven: gcore is not installed');
    const dump = (pid: number, cwd: string) => {
      const prefix = join(cwd, 'dump');
      const made = spawnSync('gcore', ['-a', '-o', prefix, String(pid)], {
        ...childLimits(),
        encoding: 'utf8',
      });
      if (made.status !== 0) ctx.skip(`not proven: gcore cannot attach here`);
      return `${prefix}.${pid}`;
    };
    await withHolder('require', (pid, secret, planted, _held, cwd) => {
      const file = dump(pid, cwd);
      expect(occurrences(file, planted)).toBeGreaterThan(0);
      expect(occurrences(file, secret)).toBe(0);
    });
    await withHolder('off', (pid, secret, _planted, _held, cwd) => {
      expect(occurrences(dump(pid, cwd), secret)).toBeGreaterThan(0);
    });
  });
});
