import { isSecureMemoryError, type MemoryBackend, type RegionId } from '@securemem/core/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nolockBackend } from '../src/index.js';

const PAGE = 4096;

/** An array that does not live on V8's moving heap. */
function bytes(...values: number[]): Uint8Array {
  const array = new Uint8Array(new ArrayBuffer(values.length));
  array.set(values);
  return array;
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : (error as Error).name;
  }
  return 'nothing thrown';
}

describe('nolockBackend()', () => {
  let backend: MemoryBackend;

  beforeEach(() => {
    backend = nolockBackend();
  });

  afterEach(() => {
    backend[Symbol.dispose]();
  });

  it('claims nothing that ordinary memory does not have', () => {
    expect(backend.capabilities).toEqual({
      locking: 'none',
      guardPages: false,
      protection: 'none',
      dumpExclusion: false,
      forkBehaviour: 'inherited',
      kernelHidden: false,
      views: 'none',
      threadExit: 'kept',
      cipher: 'none',
      keys: [],
      keysLater: [],
      keyReferences: 'none',
      environment: 'none',
    });
    expect(Object.isFrozen(backend.capabilities)).toBe(true);
  });

  it('answers unlimited for a lock limit that does not bind, and unknown for what it cannot ask', () => {
    expect(backend.lockLimit()).toEqual({ kind: 'unlimited' });
    expect(backend.raiseLockLimit(1 << 20)).toEqual({ kind: 'unlimited' });
    expect(backend.lockedByteLength()).toBe('unknown');
    expect(backend.inspect([backend.map(PAGE), backend.map(PAGE)])).toEqual(['unknown', 'unknown']);
  });

  it('probe() and the factory take no options', () => {
    expect(nolockBackend.probe()).toEqual({ available: true });
    expect(codeOf(() => (nolockBackend as (options: unknown) => unknown)({}))).toBe('TypeError');
  });

  it('map() gives zeroed bytes that write() and read() move in and out', () => {
    const region = backend.map(2 * PAGE);
    const target = bytes(9, 9, 9);
    backend.read(region, 2 * PAGE - 3, target);
    expect([...target]).toEqual([0, 0, 0]);
    backend.write(region, 2 * PAGE - 3, bytes(1, 2, 3));
    backend.read(region, 2 * PAGE - 3, target);
    expect([...target]).toEqual([1, 2, 3]);
    backend.wipe(region, 2 * PAGE - 2, 1);
    backend.read(region, 2 * PAGE - 3, target);
    expect([...target]).toEqual([1, 0, 3]);
  });

  it('map() beyond what the engine can allocate throws OUT_OF_MEMORY with the numbers', () => {
    const requested = 2 ** 52;
    expect(codeOf(() => backend.map(requested))).toBe('ERR_SECMEM_OUT_OF_MEMORY');
  });

  it.each([0, -PAGE, 1, PAGE + 1, Number.NaN, Number.POSITIVE_INFINITY, PAGE * 0.5])(
    'map(%s) is a RangeError',
    (byteLength) => {
      expect(codeOf(() => backend.map(byteLength))).toBe('RangeError');
    },
  );

  it('protect() refuses what it cannot do instead of doing nothing', () => {
    const region = backend.map(PAGE);
    backend.protect(region, 'read-write');
    expect(codeOf(() => backend.protect(region, 'read-only'))).toBe('ERR_SECMEM_NOT_SUPPORTED');
    expect(codeOf(() => backend.protect(region, 'no-access'))).toBe('ERR_SECMEM_NOT_SUPPORTED');
    expect(codeOf(() => backend.protect(region, 'sealed' as 'read-only'))).toBe('TypeError');
  });

  it('openView(), seal() and unseal() throw NOT_SUPPORTED', () => {
    const region = backend.map(PAGE);
    const key = { region, byteOffset: 0, byteLength: 32 };
    const plaintext = { region, byteOffset: 64, byteLength: 8 };
    const [nonce, sealed] = [new Uint8Array(12), new Uint8Array(24)];
    expect(codeOf(() => backend.openView(region, 0, 8))).toBe('ERR_SECMEM_NOT_SUPPORTED');
    expect(codeOf(() => backend.seal(key, nonce, bytes(), plaintext, sealed))).toBe(
      'ERR_SECMEM_NOT_SUPPORTED',
    );
    expect(codeOf(() => backend.unseal(key, nonce, bytes(), sealed, plaintext))).toBe(
      'ERR_SECMEM_NOT_SUPPORTED',
    );
  });

  it('unmap() refuses the id for ever, also when another region has taken the place', () => {
    const region = backend.map(PAGE);
    backend.unmap(region);
    const next = backend.map(PAGE);
    expect(next).not.toBe(region);
    for (const stale of [region, -1, Number.NaN, 0, 0.5] as RegionId[]) {
      expect(codeOf(() => backend.read(stale, 0, bytes(0)))).toBe('ERR_SECMEM_DISPOSED');
      expect(codeOf(() => backend.unmap(stale))).toBe('ERR_SECMEM_DISPOSED');
    }
  });

  it('an id of another instance is refused', () => {
    const other = nolockBackend();
    const foreign = other.map(PAGE);
    backend.map(PAGE);
    expect(codeOf(() => backend.wipe(foreign, 0, 1))).toBe('ERR_SECMEM_DISPOSED');
    other[Symbol.dispose]();
  });

  it('read() and write() refuse buffers that can change under them, and copy nothing', () => {
    const region = backend.map(PAGE);
    backend.write(region, 0, bytes(7));
    const detached = bytes(1, 2);
    structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
    const resizable = Reflect.construct(ArrayBuffer, [4, { maxByteLength: 8 }]) as ArrayBuffer;
    const wrong = [
      detached,
      new Uint8Array(new SharedArrayBuffer(4)),
      new Uint8Array(resizable),
      new Uint16Array(2),
      [1, 2],
      undefined,
    ] as Uint8Array[];
    for (const value of wrong) {
      expect(codeOf(() => backend.write(region, 0, value))).toBe('TypeError');
      expect(codeOf(() => backend.read(region, 0, value))).toBe('TypeError');
    }
    const target = bytes(0);
    backend.read(region, 0, target);
    expect([...target]).toEqual([7]);
  });

  it.each([
    [-1, 1],
    [0, PAGE + 1],
    [PAGE, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [2 ** 53, 1],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('wipe(region, %s, %s) is a RangeError', (byteOffset, byteLength) => {
    const region = backend.map(PAGE);
    expect(codeOf(() => backend.wipe(region, byteOffset, byteLength))).toBe('RangeError');
  });

  it('dispose is idempotent, and every later call throws CLOSED', () => {
    const region = backend.map(PAGE);
    backend[Symbol.dispose]();
    backend[Symbol.dispose]();
    const calls: (() => unknown)[] = [
      () => backend.map(PAGE),
      () => backend.lockLimit(),
      () => backend.raiseLockLimit(1),
      () => backend.lockedByteLength(),
      () => backend.protect(region, 'read-write'),
      () => backend.wipe(region, 0, 1),
      () => backend.read(region, 0, bytes(0)),
      () => backend.write(region, 0, bytes(0)),
      () => backend.openView(region, 0, 1),
      () => backend.inspect([region]),
      () => backend.unmap(region),
    ];
    for (const call of calls) expect(codeOf(call)).toBe('ERR_SECMEM_CLOSED');
  });
});
