import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type RegionId } from '../../src/contract/index.js';
import { createFakeKernel, fakeBackend } from '../../src/testing/index.js';

const PAGE = 4096;
const bytes = (...values: number[]): Uint8Array => {
  const array = new Uint8Array(new ArrayBuffer(values.length));
  array.set(values);
  return array;
};
const thrownBy = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
};
const codeOf = (run: () => unknown): unknown => (thrownBy(run) as { code?: unknown })?.code;

describe('the fake backend: limits', () => {
  it('map() gives sixteen pages under the default limit of 64 KiB, and the seventeenth throws with the numbers', () => {
    const backend = fakeBackend();
    for (let page = 0; page < 16; page += 1) backend.map(PAGE);

    const error = thrownBy(() => backend.map(PAGE));

    expect(isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
    expect(error).toMatchObject({
      kind: 'capacity',
      operation: 'map',
      details: {
        limit: 'lock',
        requestedByteLength: PAGE,
        inUseByteLength: 65_536,
        limitByteLength: 65_536,
      },
    });
    expect(backend.kernel.regionCount).toBe(16);
    expect(backend.kernel.mappings).toBe(48);
  });

  it('map() succeeds again after unmap, and after setLockLimit', () => {
    const backend = fakeBackend();
    const region = backend.map(65_536);
    expect(codeOf(() => backend.map(PAGE))).toBe('ERR_SECMEM_LOCK_LIMIT');
    backend.kernel.setLockLimit({ kind: 'bytes', byteLength: 65_536 + PAGE });
    backend.map(PAGE);
    backend.unmap(region);
    backend.map(65_536);
    expect(backend.lockedByteLength()).toBe(65_536 + PAGE);
  });

  it('another locker and another backend of the same kernel take from the same limit', () => {
    const kernel = createFakeKernel();
    const first = fakeBackend({ kernel });
    const second = fakeBackend({ kernel });
    kernel.lockForeign(8 * PAGE);
    first.map(4 * PAGE);
    second.map(4 * PAGE);
    expect(codeOf(() => first.map(PAGE))).toBe('ERR_SECMEM_LOCK_LIMIT');
    kernel.unlockForeign(8 * PAGE);
    first.map(8 * PAGE);
    expect(second.lockedByteLength()).toBe(65_536);
  });

  it('map() tells the limits apart: mappings, memory, permission', () => {
    const mappings = fakeBackend({ kernel: createFakeKernel({ mappingsMax: 5 }) });
    mappings.map(PAGE);
    expect(thrownBy(() => mappings.map(PAGE))).toMatchObject({
      code: 'ERR_SECMEM_MAP_LIMIT',
      details: { limit: 'mappings', mappings: 3, mappingsMax: 5 },
    });

    const memory = fakeBackend({ kernel: createFakeKernel({ memoryByteLengthMax: PAGE }) });
    expect(codeOf(() => memory.map(2 * PAGE))).toBe('ERR_SECMEM_OUT_OF_MEMORY');

    const denied = fakeBackend();
    denied.kernel.denyLocking(true);
    expect(thrownBy(() => denied.map(PAGE))).toMatchObject({ code: 'ERR_SECMEM_DENIED', errno: 1 });
    expect(denied.kernel.regionCount).toBe(0);
  });

  it('a refused system call leaves everything as it was, except that unmap has wiped', () => {
    const backend = fakeBackend();
    const { kernel } = backend;
    const region = backend.map(PAGE);
    backend.write(region, 0, bytes(1));
    for (const call of ['mmap', 'mlock', 'madvise', 'mprotect', 'munmap'] as const) {
      kernel.refuse(call);
    }
    expect(codeOf(() => backend.map(PAGE))).toBe('ERR_SECMEM_OUT_OF_MEMORY');
    kernel.allow('mmap');
    expect(codeOf(() => backend.map(PAGE))).toBe('ERR_SECMEM_DENIED');
    kernel.allow('mlock');
    expect(thrownBy(() => backend.map(PAGE))).toMatchObject({
      code: 'ERR_SECMEM_PLATFORM',
      syscall: 'madvise',
    });
    expect(codeOf(() => backend.protect(region, 'no-access'))).toBe('ERR_SECMEM_PLATFORM');
    expect(kernel.protectionOf(region)).toBe('read-write');
    expect(codeOf(() => backend.unmap(region))).toBe('ERR_SECMEM_PLATFORM');
    expect(kernel.peek(region, 0, 1)).toEqual(bytes(0));
    kernel.allow('munmap');
    backend.unmap(region);
    expect(kernel.mappings).toBe(0);
  });

  it('raiseLockLimit() raises to the hard limit and not past it', () => {
    const kernel = createFakeKernel({ hardLockLimit: { kind: 'bytes', byteLength: 131_072 } });
    const backend = fakeBackend({ kernel });
    expect(backend.raiseLockLimit(131_072)).toEqual({ kind: 'bytes', byteLength: 131_072 });
    expect(backend.raiseLockLimit(PAGE)).toEqual({ kind: 'bytes', byteLength: 131_072 });
    expect(codeOf(() => backend.raiseLockLimit(131_073))).toBe('ERR_SECMEM_CANNOT_RAISE');
    expect(backend.lockLimit()).toEqual({ kind: 'bytes', byteLength: 131_072 });
  });

  it('without locking nothing is charged and the limit is unlimited', () => {
    const backend = fakeBackend({ capabilities: { locking: 'none' } });
    backend.map(1_048_576);
    expect(backend.lockLimit()).toEqual({ kind: 'unlimited' });
    expect(backend.lockedByteLength()).toBe(0);
  });
});

describe('the fake backend: ids and arguments', () => {
  it('a stale id and an id of another backend throw ERR_SECMEM_DISPOSED', () => {
    const kernel = createFakeKernel();
    const backend = fakeBackend({ kernel });
    const foreign = fakeBackend({ kernel }).map(PAGE);
    const stale = backend.map(PAGE);
    backend.unmap(stale);
    backend.map(PAGE);
    for (const id of [stale, foreign, Number.NaN as RegionId]) {
      expect(codeOf(() => backend.read(id, 0, bytes(0)))).toBe('ERR_SECMEM_DISPOSED');
      expect(codeOf(() => backend.unmap(id))).toBe('ERR_SECMEM_DISPOSED');
    }
  });

  it('bad ranges throw RangeError and bad buffers TypeError', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const detached = new ArrayBuffer(8);
    const overDetached = new Uint8Array(detached);
    structuredClone(detached, { transfer: [detached] });
    for (const offset of [-1, 0.5, Number.NaN, PAGE, 2 ** 53]) {
      expect(() => backend.read(region, offset, bytes(0))).toThrow(RangeError);
    }
    for (const source of [overDetached, new Uint8Array(new SharedArrayBuffer(8)), 'text']) {
      expect(() => backend.write(region, 0, source as Uint8Array)).toThrow(TypeError);
    }
    for (const length of [0, 1, PAGE + 1, -PAGE, Number.NaN]) {
      expect(() => backend.map(length)).toThrow(RangeError);
    }
  });

  it('every call after dispose throws ERR_SECMEM_CLOSED and dispose is idempotent', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    backend[Symbol.dispose]();
    backend[Symbol.dispose]();
    expect(codeOf(() => backend.map(PAGE))).toBe('ERR_SECMEM_CLOSED');
    expect(codeOf(() => backend.unmap(region))).toBe('ERR_SECMEM_CLOSED');
    expect(backend.kernel.regionCount).toBe(0);
  });

  it('dispose wipes a region with an escaped view and leaves it mapped', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    backend.write(region, 0, bytes(1, 2, 3));
    const view = backend.openView(region, 0, 16);
    backend.kernel.nextViewOutcome('escaped');
    expect(view.close()).toBe('escaped');
    backend[Symbol.dispose]();
    expect(backend.kernel.peek(region, 0, 3)).toEqual(bytes(0, 0, 0));
  });
});

describe('the fake backend: protection and its cipher', () => {
  it('read, write and wipe work under every protection, which stays', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    for (const protection of ['no-access', 'read-only', 'read-write'] as const) {
      backend.protect(region, protection);
      backend.write(region, 8, bytes(1, 2, 3));
      backend.wipe(region, 9, 1);
      const target = bytes(9, 9, 9);
      backend.read(region, 8, target);
      expect(target).toEqual(bytes(1, 0, 3));
      expect(backend.kernel.protectionOf(region)).toBe(protection);
    }
    expect(backend.kernel.violations).toEqual([]);
  });

  it('protect() above the capability throws ERR_SECMEM_NOT_SUPPORTED', () => {
    const backend = fakeBackend({ capabilities: { protection: 'read-only' } });
    const region = backend.map(PAGE);
    backend.protect(region, 'read-only');
    expect(codeOf(() => backend.protect(region, 'no-access'))).toBe('ERR_SECMEM_NOT_SUPPORTED');
    backend.protect(region, 'read-write');
    expect(() => backend.protect(region, 'closed' as 'no-access')).toThrow(TypeError);
  });

  it('touch() dies at guards and closed pages only', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const { kernel } = backend;
    expect(kernel.touch(region, -1, 'read')).toBe('dies');
    expect(kernel.touch(region, PAGE, 'read')).toBe('dies');
    expect(kernel.touch(region, 0, 'write')).toBe('survives');
    backend.protect(region, 'read-only');
    expect(kernel.touch(region, 0, 'read')).toBe('survives');
    expect(kernel.touch(region, 0, 'write')).toBe('dies');
    kernel.tamper(region, { guardAfter: false });
    expect(kernel.touch(region, PAGE, 'read')).toBe('survives');
    expect(backend.inspect([region])).toMatchObject([{ guarded: false, protection: 'read-only' }]);
  });

  it('seal() and unseal() agree, and a bad tag leaves zero', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    backend.write(region, 0, bytes(...Array.from({ length: 32 }, (_, i) => i)));
    backend.write(region, 64, bytes(7, 8, 9));
    const key = { region, byteOffset: 0, byteLength: 32 };
    const plaintext = { region, byteOffset: 64, byteLength: 3 };
    const [nonce, data, sealed] = [new Uint8Array(12), bytes(1), new Uint8Array(19)];
    backend.protect(region, 'no-access');
    backend.seal(key, nonce, data, plaintext, sealed);
    backend.wipe(region, 64, 3);
    backend.unseal(key, nonce, data, sealed, plaintext);
    expect(backend.kernel.peek(region, 64, 3)).toEqual(bytes(7, 8, 9));
    sealed[0] = (sealed[0] as number) ^ 1;
    expect(codeOf(() => backend.unseal(key, nonce, data, sealed, plaintext))).toBe(
      'ERR_SECMEM_UNSEAL_FAILED',
    );
    expect(backend.kernel.peek(region, 64, 3)).toEqual(bytes(0, 0, 0));
  });
});
