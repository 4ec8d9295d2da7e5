import { markAsUntransferable } from 'node:worker_threads';
import type { MemoryBackend, RegionId } from '@securemem/core/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { koffiBackend } from '../src/index.js';

type Transferable = ArrayBuffer & { transfer?: (byteLength?: number) => ArrayBuffer };
const major = Number(process.versions.node.split('.')[0]);

describe('openView()', () => {
  let backend: MemoryBackend;
  let region: RegionId;

  beforeEach(() => {
    backend = koffiBackend();
    region = backend.map(4096);
  });

  afterEach(() => {
    backend[Symbol.dispose]();
  });

  /** What the page really holds, read by the backend and not through a view. */
  function page(): number {
    const target = new Uint8Array(new ArrayBuffer(1));
    backend.read(region, 100, target);
    return target[0] as number;
  }

  it('Z7 close() empties every array over the view, and a stale write goes nowhere', () => {
    const view = backend.openView(region, 100, 64);
    const captured = [
      view.bytes,
      view.bytes.subarray(3, 9),
      Buffer.from(view.bytes.buffer),
      new Uint8Array(view.bytes.buffer),
    ];
    view.bytes[0] = 1;
    expect(view.aliasAlive()).toBe(true);
    expect(view.close()).toBe('revoked');
    for (const array of captured) {
      expect(array.length).toBe(0);
      expect(array[0]).toBeUndefined();
      array[0] = 9;
    }
    expect(page()).toBe(1);
    expect(view.close()).toBe('revoked');
    expect(view.aliasAlive()).toBe(false);
  });

  it('its buffer is exactly the range, and overlapping views are closed one by one', () => {
    const first = backend.openView(region, 100, 8);
    const second = backend.openView(region, 96, 16);
    expect(first.bytes.buffer.byteLength).toBe(8);
    first.bytes[0] = 5;
    first.close();
    expect(second.bytes[4]).toBe(5);
    second.close();
  });

  it('an empty range is an empty view, which is revoked and not escaped', () => {
    const view = backend.openView(region, 4096, 0);
    expect(view.bytes.length).toBe(0);
    expect(view.close()).toBe('revoked');
    expect(view.aliasAlive()).toBe(false);
  });

  it('a buffer that a byte stream took is escaped, for ever, and the alias still shows the page', async () => {
    const view = backend.openView(region, 100, 8);
    const stream = new ReadableStream({
      type: 'bytes',
      start: (controller) => controller.enqueue(view.bytes),
    });
    expect(view.close()).toBe('escaped');
    const alias = (await stream.getReader().read()).value as Uint8Array;
    alias[0] = 77;
    expect(page()).toBe(77);
    expect(view.close()).toBe('escaped');
    expect(view.aliasAlive()).toBe('unknown');
    backend[Symbol.dispose]();
    expect(alias[0]).toBe(0); // Wiped, and still mapped: this line would kill the process otherwise.
    backend = koffiBackend();
  });

  it('a buffer that was transferred is escaped, where the engine can transfer one', () => {
    const view = backend.openView(region, 100, 8);
    const moved = (view.bytes.buffer as Transferable).transfer?.();
    if (moved === undefined) {
      expect(major).toBeLessThan(22);
      expect(view.close()).toBe('revoked');
      return;
    }
    const alias = new Uint8Array(moved);
    expect(view.close()).toBe('escaped');
    alias[0] = 3;
    expect(page()).toBe(3);
  });

  it('X10 structuredClone with a transfer list takes nothing away: it throws, or copies on Node 20', () => {
    const view = backend.openView(region, 100, 8);
    const { buffer } = view.bytes;
    try {
      const copy = new Uint8Array(structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }));
      copy[0] = 9;
    } catch (error) {
      expect((error as Error).name).toBe('DataCloneError');
    }
    expect(page()).toBe(0);
    expect(view.close()).toBe('revoked');
  });

  it('a buffer marked as untransferable is stuck from Node 24 on, and revoked before', () => {
    const view = backend.openView(region, 100, 8);
    markAsUntransferable(view.bytes.buffer);
    expect(view.close()).toBe(major >= 24 ? 'stuck' : 'revoked');
    expect(view.aliasAlive()).toBe(major >= 24 ? 'unknown' : false);
  });

  it.each([
    ['a frozen buffer', (buffer: ArrayBuffer) => Object.freeze(buffer)],
    [
      'own properties that lie',
      (buffer: ArrayBuffer) =>
        Object.defineProperties(buffer, {
          byteLength: { value: 0 },
          transfer: { value: () => buffer },
          constructor: { value: Object },
        }),
    ],
    ['another prototype', (buffer: ArrayBuffer) => Object.setPrototypeOf(buffer, null)],
  ])('%s does not keep close() from revoking', (_name, spoil) => {
    const view = backend.openView(region, 100, 8);
    spoil(view.bytes.buffer as ArrayBuffer);
    expect(view.close()).toBe('revoked');
    expect(view.bytes.length).toBe(0);
  });

  it('prototypes that are patched after the import do not see the buffer', () => {
    const prototype = ArrayBuffer.prototype as Transferable;
    const before = Object.getOwnPropertyDescriptors(prototype);
    const enqueue = ReadableByteStreamController.prototype.enqueue;
    const seen: unknown[] = [];
    Object.defineProperty(prototype, 'transfer', {
      configurable: true,
      value: (b: unknown) => seen.push(b),
    });
    Object.defineProperty(prototype, 'byteLength', {
      configurable: true,
      get: () => seen.push('length'),
    });
    ReadableByteStreamController.prototype.enqueue = (chunk) => seen.push(chunk);
    try {
      expect(backend.openView(region, 100, 8).close()).toBe('revoked');
    } finally {
      ReadableByteStreamController.prototype.enqueue = enqueue;
      delete prototype.transfer;
      Object.defineProperties(prototype, before);
    }
    expect(seen).toEqual([]);
  });

  it('a thousand views opened and closed hold nothing', () => {
    for (let count = 0; count < 1000; count += 1) {
      const view = backend.openView(region, count, 8);
      expect(view.close()).toBe('revoked');
    }
    const locked = backend.lockedByteLength() as number;
    backend[Symbol.dispose]();
    backend = koffiBackend();
    expect(backend.lockedByteLength()).toBe(locked - 4096);
  });
});
