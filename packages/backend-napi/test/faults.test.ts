import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockLimit } from '../src/native-limits.js';
import { Status } from '../src/status.js';
import { type TestBuild, testBuild } from './native-build.js';

const built = testBuild();
const ENOMEM = 12;
/** ENOMEM, EPERM, EINVAL, EAGAIN. */
const ERRNOS = [ENOMEM, 1, 22, 11];
const KINDS = [
  ['locked', 0],
  ['hidden', 1],
] as const;

const MIB = 1024 * 1024;

function kilobytes(name: string): number {
  const status = readFileSync('/proc/self/status', 'latin1');
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** Why a test of large regions would prove nothing here; undefined where it would. */
function tooSmall(build: TestBuild): string | undefined {
  const limit = lockLimit(build.binding);
  const small = limit.kind === 'bytes' && limit.byteLength < 2 * MIB;
  return small ? 'the lock limit is below 2 MiB' : undefined;
}

describe('map', () => {
  it.for(KINDS)(
    'A9 map() of %s pages that fails at any system call leaves nothing mapped and nothing locked',
    ([, kind], ctx) => {
      if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
      const small = tooSmall(built);
      if (small !== undefined) return ctx.skip(`not proven: ${small}`);
      const { binding } = built;
      const owner = binding.open(kind);
      if (owner < 0) return ctx.skip('not proven: this kernel gives no memfd_secret pages');
      const before = { size: kilobytes('VmSize'), locked: kilobytes('VmLck') };
      let failures = 0;
      for (let nth = 1, region = 0; region <= 0; nth++) {
        for (let i = 0; i < 200 && region <= 0; i++) {
          binding.setFault(nth, ERRNOS[i % ERRNOS.length] as number);
          region = binding.map(owner, MIB);
          binding.setFault(0, 0);
          if (region <= 0) failures += 1;
        }
        expect(kilobytes('VmLck')).toBe(before.locked + (region > 0 ? 1024 : 0));
        // 200 leaked regions would be 200 MiB; what Node itself maps meanwhile is far less.
        expect(kilobytes('VmSize') - before.size).toBeLessThan(64 * 1024);
        if (region > 0) expect(binding.unmap(owner, region)).toBe(Status.ok);
      }
      // Reserve, then four calls on the pages: each of them failed 200 times.
      expect(failures).toBeGreaterThanOrEqual(5 * 200);
      expect(kilobytes('VmLck')).toBe(before.locked);
      binding.close(owner);
    },
  );
});

describe('a region whose protection cannot be changed', () => {
  it('unmap() that is refused leaves the region live and its bytes wiped', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { binding } = built;
    const owner = binding.open(0);
    const region = binding.map(owner, binding.pageByteLength);
    const bytes = new Uint8Array(new ArrayBuffer(16)).fill(7);
    binding.write(owner, region, 0, bytes);
    binding.setFault(1, ENOMEM); // munmap: the region is open, so wiping it makes no call
    expect(binding.unmap(owner, region)).not.toBe(Status.ok);
    expect(binding.read(owner, region, 0, bytes)).toBe(Status.ok);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(binding.unmap(owner, region)).toBe(Status.ok);
    expect(binding.unmap(owner, region)).toBe(Status.disposed);
    binding.close(owner);
  });

  it('read() that cannot open a closed region says so and copies nothing', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { binding } = built;
    const owner = binding.open(0);
    const region = binding.map(owner, binding.pageByteLength);
    binding.write(owner, region, 0, new Uint8Array(new ArrayBuffer(16)).fill(7));
    binding.protect(owner, region, 0);
    const target = new Uint8Array(new ArrayBuffer(16));
    binding.setFault(1, ENOMEM);
    expect(binding.read(owner, region, 0, target)).not.toBe(Status.ok);
    expect(target.every((byte) => byte === 0)).toBe(true);
    expect(binding.read(owner, region, 0, target)).toBe(Status.ok);
    expect(target.every((byte) => byte === 7)).toBe(true);
    binding.close(owner);
  });
});

describe('kernelCannotRead', () => {
  it('is true of a hidden page and false of an ordinary one', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { binding } = built;
    const answers = KINDS.map(([, kind]) => {
      const owner = binding.open(kind);
      if (owner < 0) return ctx.skip('not proven: this kernel gives no memfd_secret pages');
      const region = binding.map(owner, binding.pageByteLength);
      const answer = binding.kernelCannotRead(owner, region);
      binding.close(owner);
      return answer;
    });
    expect(answers).toEqual([0, 1]);
  });
});
