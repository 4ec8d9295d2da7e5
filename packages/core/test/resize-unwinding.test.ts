import { describe, expect, it } from 'vitest';
import { contentOf, FILL, open, PAGE, thrown } from './fixture.js';

describe('resize() and dispose() without views, each call failing in turn', () => {
  for (const [from, to] of [
    [100, 900],
    [900, 100],
    [100, 9000],
    [9000, 100],
    [9000, 5000],
    [3000, 2100],
  ] as const) {
    it(`Z4 from ${from} to ${to} bytes the handle keeps its secret, in the old place or the new one`, () => {
      for (const operation of ['map', 'read', 'write', 'wipe', 'unmap'] as const) {
        for (let on = 1; on <= 8; on++) {
          const fixture = open({ capabilities: { views: 'none' } });
          const { memory, backend } = fixture;
          const secret = memory.allocateSync(from);
          secret.write((bytes) => bytes.fill(FILL));
          backend.fail(operation, { on });
          try {
            secret.resize(to);
          } catch {
            // The question is what is left.
          }
          backend.heal();
          const { byteLength } = secret;
          expect([from, to], `${operation} ${on}`).toContain(byteLength);
          const kept = Math.min(from, byteLength);
          secret.read((bytes) => {
            expect(bytes.subarray(0, kept).every((byte) => byte === FILL)).toBe(true);
            expect(bytes.subarray(kept).every((byte) => byte === 0)).toBe(true);
          });
          expect(memory.stats().secrets).toBe(1);
          const { pooled, own } = memory.stats().primary.routes;
          expect(pooled.byteLength + own.byteLength).toBe(byteLength);
          if (operation !== 'wipe') expect(contentOf(fixture.kernel)).toBe(kept);
        }
      }
    });
  }

  it.each([
    // A slot is examined by two reads; an own region between guards by one, of the canary before it.
    [100, 2],
    [9000, 1],
  ])(
    'a secret of %i bytes whose surroundings cannot be examined is wiped all the same',
    (byteLength, reads) => {
      for (let on = 1; on <= reads; on++) {
        const fixture = open({ capabilities: { views: 'none' } });
        const secret = fixture.memory.allocateSync(byteLength);
        secret.write((bytes) => bytes.fill(FILL));
        fixture.backend.fail('read', { on });
        expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_PLATFORM');
        expect(contentOf(fixture.kernel)).toBe(0);
        expect(fixture.memory.stats()).toMatchObject({
          secrets: 0,
          quarantine: { damagedSlots: 1 },
        });
      }
    },
  );

  it('M5 resize() over a damaged canary says so, and the secret is whole in its new place', () => {
    const { memory, kernel } = open();
    const secret = memory.allocateSync(64);
    secret.write((bytes) => bytes.fill(FILL));
    const [region] = kernel.regionIds;
    const [canary] = kernel.peek(region as never, 8 + 64, 1);
    kernel.poke(region as never, 8 + 64, Uint8Array.of((canary as number) ^ 0xff));
    expect(thrown(() => secret.resize(PAGE)).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
    expect(secret.byteLength).toBe(PAGE);
    expect(secret.read((bytes) => bytes.subarray(0, 64).every((byte) => byte === FILL))).toBe(true);
    expect(memory.stats()).toMatchObject({ secrets: 1, quarantine: { damagedSlots: 1 } });
  });
});
