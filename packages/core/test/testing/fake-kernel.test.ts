import { describe, expect, it } from 'vitest';
import { createFakeKernel, fakeBackend } from '../../src/testing/index.js';
import { PAGE, thrown } from '../fixture.js';

const bytes = (byteLength: number): Uint8Array => new Uint8Array(new ArrayBuffer(byteLength));

/** A simulated kernel is worth something only if it punishes what a real one punishes. */
describe('the simulated kernel', () => {
  it('kills a touch beside a region only where there is a guard', () => {
    const { kernel, ...backend } = guarded(true);
    const open = guarded(false);
    for (const byteOffset of [-1, PAGE]) {
      expect(kernel.touch(backend.region, byteOffset, 'read')).toBe('dies');
      expect(open.kernel.touch(open.region, byteOffset, 'read')).toBe('survives');
    }
    expect(kernel.touch(backend.region, 0, 'write')).toBe('survives');
  });

  it.each([
    ['no-access', 'dies', 'dies'],
    ['read-only', 'survives', 'dies'],
    ['read-write', 'survives', 'survives'],
  ] as const)('under %s a read %s and a write %s', (protection, read, write) => {
    const { kernel, region } = guarded(true);
    kernel.tamper(region, { protection });
    expect(kernel.protectionOf(region)).toBe(protection);
    expect(kernel.touch(region, 7, 'read')).toBe(read);
    expect(kernel.touch(region, 7, 'write')).toBe(write);
  });

  it('knows no region that is gone', () => {
    const { backend, kernel, region } = guarded(true);
    backend.unmap(region);
    expect(kernel.find(region)).toBeUndefined();
    expect(thrown(() => kernel.protectionOf(region))).toBeInstanceOf(RangeError);
  });

  it('reports a region that is released with bytes in it', () => {
    const kernel = createFakeKernel();
    const region = kernel.map(PAGE, {
      lockedByteLength: PAGE,
      protection: 'read-write',
      guardBefore: true,
      guardAfter: true,
      dumpExcluded: true,
      forkBehaviour: 'zeroed',
      kernelHidden: false,
    });
    if (typeof region === 'string') throw new Error(region);
    region.store[PAGE - 1] = 1;
    kernel.unmap(region);
    expect(kernel.violations).toEqual([`region ${region.id}: released with bytes in it`]);
  });

  it('denies locking until it is allowed again', () => {
    const { backend, kernel } = guarded(true);
    kernel.denyLocking(true);
    expect(thrown(() => backend.map(PAGE))).toMatchObject({ code: 'ERR_SECMEM_DENIED' });
    kernel.denyLocking(false);
    expect(backend.map(PAGE)).toBeGreaterThan(0);
  });
});

describe('a fake backend of less ability', () => {
  it('without locking has no limit, and none to raise', () => {
    const backend = fakeBackend({ capabilities: { locking: 'none' } });
    expect(backend.raiseLockLimit(2 ** 30)).toEqual({ kind: 'unlimited' });
    expect(backend.kernel.lockLimit).toEqual({ kind: 'bytes', byteLength: 65_536 });
  });

  it('that may not raise the limit says how far it could, where that is known', () => {
    const soft = { kind: 'bytes', byteLength: 65_536 } as const;
    const refused = (hardLockLimit: typeof soft | { kind: 'unknown' }) =>
      thrown(() =>
        fakeBackend({
          kernel: createFakeKernel({ lockLimit: soft, hardLockLimit }),
        }).raiseLockLimit(2 ** 20),
      ).details;
    expect(refused(soft)).toHaveProperty('hardLimitByteLength', 65_536);
    expect(refused({ kind: 'unknown' })).not.toHaveProperty('hardLimitByteLength');
  });

  it('without views or cipher refuses both by a code', () => {
    const backend = fakeBackend({ capabilities: { views: 'none', cipher: 'none' } });
    const region = backend.map(PAGE);
    const key = { region, byteOffset: 0, byteLength: 32 };
    const plaintext = { region, byteOffset: 64, byteLength: 16 };
    const sealed = bytes(32);
    for (const run of [
      () => backend.openView(region, 0, 32),
      () => backend.seal(key, bytes(12), bytes(0), plaintext, sealed),
      () => backend.unseal(key, bytes(12), bytes(0), sealed, plaintext),
    ]) {
      expect(thrown(run)).toMatchObject({ code: 'ERR_SECMEM_NOT_SUPPORTED' });
    }
  });

  it('checks every length of a sealing before it writes anything', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const key = { region, byteOffset: 0, byteLength: 32 };
    const short = { ...key, byteLength: 16 };
    const plaintext = { region, byteOffset: 64, byteLength: 16 };
    const target = bytes(32);
    const none = bytes(0);
    for (const run of [
      () => backend.seal(key, bytes(11), none, plaintext, target),
      () => backend.seal(short, bytes(12), none, plaintext, target),
      () => backend.seal(key, bytes(12), none, plaintext, bytes(31)),
      () => backend.unseal(key, bytes(12), none, bytes(33), plaintext),
    ]) {
      expect(thrown(run)).toBeInstanceOf(RangeError);
    }
    expect(target.every((byte) => byte === 0)).toBe(true);
    backend.seal(key, bytes(12), none, plaintext, target);
    expect(target.some((byte) => byte !== 0)).toBe(true);
  });

  it('refuses ordinary memory that could grow under a call', () => {
    type Resizable = new (byteLength: number, options: { maxByteLength: number }) => ArrayBuffer;
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const buffer = new (ArrayBuffer as unknown as Resizable)(32, { maxByteLength: 64 });
    expect(thrown(() => backend.write(region, 0, new Uint8Array(buffer)))).toBeInstanceOf(
      TypeError,
    );
    expect(thrown(() => backend.read(region, 0, new Uint8Array(buffer)))).toBeInstanceOf(TypeError);
  });

  it('refuses a protection that is none', () => {
    const { backend, region } = guarded(true);
    for (const protection of ['none', 'rwx']) {
      expect(thrown(() => backend.protect(region, protection as never))).toBeInstanceOf(TypeError);
    }
  });

  it('keeps what a terminated thread had where it says so', () => {
    for (const threadExit of ['wiped', 'kept'] as const) {
      const kernel = createFakeKernel();
      const backend = fakeBackend({ kernel, capabilities: { threadExit } });
      const region = backend.map(PAGE);
      backend.write(region, 0, bytes(8).fill(7));
      kernel.endThread();
      expect(kernel.regionCount).toBe(threadExit === 'kept' ? 1 : 0);
    }
  });
});

function guarded(guardPages: boolean) {
  const kernel = createFakeKernel();
  const backend = fakeBackend({ kernel, capabilities: { guardPages } });
  return { kernel, backend, region: backend.map(PAGE) };
}
