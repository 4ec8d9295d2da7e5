import { beforeEach, describe, expect, it } from 'vitest';
import { createMarker, markerFromMasked } from '../src/memory-scan.mjs';

describe('the memory scan', () => {
  beforeEach((ctx) => {
    ctx.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
  });

  it('finds nothing of a marker that was never written', () => {
    expect(createMarker().count()).toBe(0);
  });

  it('finds each planted copy once, and none after they were wiped', () => {
    const marker = createMarker();
    const copies = [marker.plant(), marker.plant(), marker.plant()];
    expect(marker.count()).toBe(3);
    expect(marker.count()).toBe(3);
    for (const copy of copies) copy.wipe();
    expect(marker.count()).toBe(0);
  });

  it('finds a string', () => {
    const marker = createMarker();
    const copy = marker.plant();
    const text = Buffer.from(copy.bytes.buffer as ArrayBuffer).toString('latin1');
    copy.wipe();
    expect(marker.count()).toBeGreaterThan(0);
    expect(text.length).toBe(marker.byteLength);
  });

  it('finds what is left of a copy whose first bytes were overwritten, as those of freed memory are', () => {
    const marker = createMarker();
    const copy = marker.plant();
    copy.bytes.fill(0, 0, 16);
    expect(marker.count()).toBe(1);
    copy.wipe();
    expect(marker.count()).toBe(0);
  });

  it('knows the marker backwards and in its encoded forms, as node encodes it', () => {
    const marker = createMarker(32);
    const { bytes } = marker.plant();
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const text = marker.asText(encoding);
      const expected = Buffer.from(bytes).toString(encoding);
      const written = text.fill(new Uint8Array(new ArrayBuffer(text.byteLength)));
      expect(Buffer.from(written).toString('latin1')).toBe(expected);
    }
    const backwards = marker.reversed().fill(new Uint8Array(new ArrayBuffer(32)));
    expect([...backwards].reverse()).toEqual([...bytes]);
  });

  it('travels to another process without being there', () => {
    const marker = createMarker();
    const twin = markerFromMasked(marker.masked());
    expect(twin.count()).toBe(0);
    const copy = marker.plant();
    expect(twin.count()).toBe(1);
    copy.wipe();
  });
});
