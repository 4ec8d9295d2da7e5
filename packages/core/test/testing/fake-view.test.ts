import { describe, expect, it } from 'vitest';
import { fakeBackend } from '../../src/testing/index.js';

const PAGE = 4096;
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

describe('views of the fake backend', () => {
  it('two views and the region show the same bytes after any operation', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const slab = backend.openView(region, 0, PAGE);
    const slot = backend.openView(region, 64, 4);

    slab.bytes[64] = 1;
    slot.bytes[1] = 2;
    const target = bytes(9, 9, 9, 9);
    backend.read(region, 64, target);

    expect(target).toEqual(bytes(1, 2, 0, 0));
    expect(slot.bytes).toEqual(bytes(1, 2, 0, 0));
    expect(slab.bytes.subarray(64, 68)).toEqual(bytes(1, 2, 0, 0));
    slot.bytes[3] = 4;
    expect(slot.close()).toBe('revoked');
    expect(slab.bytes[67]).toBe(4);
    backend.wipe(region, 0, PAGE);
    expect(slab.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('changes through overlapping views keep each other, byte by byte', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const first = backend.openView(region, 0, 8);
    const second = backend.openView(region, 0, 8);
    first.bytes[0] = 1;
    first.bytes[7] = 1;
    second.bytes[3] = 2;
    expect(backend.kernel.peek(region, 0, 8)).toEqual(bytes(1, 0, 0, 2, 0, 0, 0, 1));
    expect(second.bytes).toEqual(first.bytes);
  });

  it('close() empties every array over the buffer and repeats its first outcome', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const view = backend.openView(region, 0, 32);
    const captured = view.bytes.subarray(8, 16);
    expect(view.aliasAlive()).toBe(true);
    expect([view.close(), view.close()]).toEqual(['revoked', 'revoked']);
    expect([view.bytes.length, captured.length]).toEqual([0, 0]);
    expect(view.aliasAlive()).toBe(false);
  });

  it('close() says escaped when somebody transferred the buffer', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const view = backend.openView(region, 0, 32);
    const buffer = view.bytes.buffer as ArrayBuffer;
    structuredClone(buffer, { transfer: [buffer] });
    expect([view.close(), view.close()]).toEqual(['escaped', 'escaped']);
    expect(view.aliasAlive()).toBe(true);
    backend.kernel.releaseAliases();
    expect(view.aliasAlive()).toBe(false);
  });

  it('SEC14 a stuck view goes on showing the region, which cannot be unmapped while it does', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const view = backend.openView(region, 0, 4);
    backend.kernel.nextViewOutcome('stuck');
    expect(view.close()).toBe('stuck');
    backend.write(region, 0, bytes(5));
    expect(view.bytes[0]).toBe(5);
    expect(backend.kernel.violations).toEqual([]);
    expect(() => backend.unmap(region)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_IN_USE' }),
    );
    expect(view.bytes[0]).toBe(5);
    expect(backend.kernel.violations).toEqual([]);
  });

  it('aliasAlive() answers unknown for ever without alias tracking', () => {
    const backend = fakeBackend({ aliasTracking: 'unknown' });
    const region = backend.map(PAGE);
    const view = backend.openView(region, 0, 4);
    backend.kernel.nextViewOutcome('escaped');
    view.close();
    backend.kernel.releaseAliases();
    expect(view.aliasAlive()).toBe('unknown');
  });

  it('a closed region shows garbage, keeps its bytes, and reports a touch', () => {
    const backend = fakeBackend();
    const region = backend.map(PAGE);
    const view = backend.openView(region, 0, 4);
    view.bytes.set([1, 2, 3, 4]);
    backend.protect(region, 'no-access');
    expect(view.bytes).toEqual(bytes(0xdb, 0xdb, 0xdb, 0xdb));
    backend.write(region, 1, bytes(9));
    expect(view.bytes[1]).toBe(0xdb);
    expect(backend.kernel.violations).toEqual([]);
    view.bytes[0] = 0;
    backend.protect(region, 'read-only');
    expect(backend.kernel.violations).toHaveLength(1);
    expect(view.bytes).toEqual(bytes(1, 9, 3, 4));
    view.bytes[0] = 0;
    backend.protect(region, 'read-write');
    expect(backend.kernel.violations).toHaveLength(2);
    expect(view.bytes).toEqual(bytes(1, 9, 3, 4));
  });
});
