import { describe, expect, it } from 'vitest';
import { open, PAGE, thrown } from './fixture.js';

/** Where the content of the first slot of a slab begins: behind one canary. */
const START = 8;

/** One secret of a length that fills its slot, with its page as the simulated kernel sees it. */
function one(byteLength: number) {
  const fixture = open();
  const secret = fixture.memory.allocateSync(byteLength);
  secret.write((bytes) => bytes.fill(0xa5));
  const [region] = fixture.kernel.regionIds as [never];
  const peek = (from: number, length: number) => fixture.kernel.peek(region, from, length);
  const flip = (byteOffset: number, bit: number): void => {
    const [byte] = peek(byteOffset, 1);
    fixture.kernel.poke(region, byteOffset, Uint8Array.of((byte as number) ^ (1 << bit)));
  };
  return { ...fixture, secret, peek, flip };
}

describe('the release of a short secret', () => {
  it('leaves no byte of it, whatever its length', () => {
    for (let byteLength = 1; byteLength <= 300; byteLength++) {
      const { memory, secret, peek } = one(byteLength);
      expect(peek(START, byteLength).every((byte) => byte === 0xa5)).toBe(true);
      secret.dispose();
      const { slotByteLength } = memory.stats().primary.slabs[0] as { slotByteLength: number };
      expect(peek(START, slotByteLength).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('leaves a neighbour as it is', () => {
    const { memory, secret, peek } = one(32);
    const neighbour = memory.allocateSync(32);
    neighbour.write((bytes) => bytes.fill(0x5a));
    secret.dispose();
    expect(peek(START + 40, 32).every((byte) => byte === 0x5a)).toBe(true);
    expect(memory.verify().ok).toBe(true);
  });

  it.each([
    ['before', START - 8],
    ['after', START + 32],
  ])('M5 notices each single bit that differs in the canary %s it', (_, canary) => {
    for (let bit = 0; bit < 64; bit++) {
      const { secret, flip, peek } = one(32);
      flip(canary + (bit >>> 3), bit & 7);
      expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
      expect(peek(START, 32).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('M5 notices each single bit in its slack, the sign of a zero included', () => {
    for (let bit = 0; bit < 8 * 7; bit++) {
      const { memory, secret, flip } = one(33);
      expect(memory.stats().primary.slabs[0]?.slotByteLength).toBe(40);
      flip(START + 33 + (bit >>> 3), bit & 7);
      expect(thrown(() => secret.dispose()).code).toBe('ERR_SECMEM_CANARY_MISMATCH');
    }
  });

  it('makes its slot the next to be taken, if no view showed it', () => {
    const { memory, kernel } = open();
    const secret = memory.allocateSync(32);
    const [region] = kernel.regionIds as [never];
    const peek = (from: number, length: number) => kernel.peek(region, from, length);
    const others = memory.allocateAllSync([32, 32, 32]);
    secret.dispose();
    memory.allocateSync(32).write((bytes) => bytes.fill(0x11));
    expect(peek(START, 32).every((byte) => byte === 0x11)).toBe(true);
    for (const other of others) other.dispose();
  });
});

describe('a free slot is taken at once', () => {
  it('up to a pooledByteLengthMax that is no multiple of 8, and one byte more has a region of its own', () => {
    const { memory } = open({ routing: { pooledByteLengthMax: 20 } });
    for (const byteLength of [1, 16, 17, 20]) {
      expect(memory.allocateSync(byteLength).receipt.route).toBe('pooled');
      expect(memory.allocateSync(byteLength).receipt.route).toBe('pooled');
    }
    expect(memory.allocateSync(21).receipt.route).toBe('own');
  });

  it('unless nothing is pooled', () => {
    const { memory } = open({ routing: { pooledByteLengthMax: 0 } });
    expect(memory.allocateSync(1).receipt.route).toBe('own');
  });

  it('until the slab is full, and then another is there', () => {
    const { memory } = open();
    const slots = Math.floor((PAGE - 8) / 40);
    for (let i = 0; i < slots; i++) memory.allocateSync(32);
    expect(memory.stats().primary.slabs).toMatchObject([{ live: slots, slots }]);
    memory.allocateSync(32).dispose();
    expect(memory.stats().primary.slabs).toHaveLength(2);
  });

  it('but not once close() was called, nor for a phase that has ended', async () => {
    const { memory } = open();
    memory.allocateSync(32).dispose();
    const phase = await memory.phase((it) => [it]);
    expect(thrown(() => phase[0]?.allocateSync(32)).code).toBe('ERR_SECMEM_CLOSED');
    const closed = memory.close();
    expect(thrown(() => memory.allocateSync(32)).code).toBe('ERR_SECMEM_CLOSED');
    await closed;
    expect(memory.stats().state).toBe('closed');
  });
});
