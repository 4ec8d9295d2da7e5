import { describe, expect, it } from 'vitest';
import { MAPPINGS_RESERVED, MappingRoom } from '../src/mapping-room.js';

const MAX = 65_530;

/** A process with nothing but our regions, of three mappings each. */
function fill(
  start: number,
  foreignPerRegion = 0,
): { regions: number; counts: number; mappings: number } {
  let mappings = start;
  let counts = 0;
  let regions = 0;
  let nowMs = 0;
  const room = new MappingRoom(
    () => {
      counts += 1;
      nowMs += 20;
      return mappings;
    },
    () => MAX,
    () => nowMs,
  );
  while (regions < MAX && room.shortage() === undefined) {
    regions += 1;
    nowMs += 0.02;
    mappings += 3 + foreignPerRegion;
  }
  return { regions, counts, mappings };
}

describe('MappingRoom', () => {
  it('X3 fills up to the reserve and no further, with few counts', () => {
    const { mappings, counts } = fill(150);
    expect(mappings).toBeLessThanOrEqual(MAX - MAPPINGS_RESERVED);
    expect(mappings).toBeGreaterThan(MAX - MAPPINGS_RESERVED - 3);
    expect(counts).toBeLessThan(100);
  });

  it('X3 keeps out of the reserve also when others map as much as we do', () => {
    expect(fill(150, 3).mappings).toBeLessThanOrEqual(MAX - MAPPINGS_RESERVED + 3);
  });

  it('X3 sees what others have mapped since, though our own regions are few', () => {
    let mappings = 150;
    let nowMs = 0;
    const room = new MappingRoom(
      () => {
        nowMs += 0.1;
        return mappings;
      },
      () => MAX,
      () => nowMs,
    );
    expect(room.shortage()).toBeUndefined();
    mappings = MAX - MAPPINGS_RESERVED;
    // Counting is to take a small share of all time, so at once nobody looks.
    expect(room.shortage()).toBeUndefined();
    nowMs += 10;
    expect(room.shortage()).toEqual({ mappings, mappingsMax: MAX });
  });

  it('says the numbers, and goes on when mappings are given back', () => {
    let mappings = MAX;
    const room = new MappingRoom(
      () => mappings,
      () => MAX,
    );
    expect(room.shortage()).toEqual({ mappings: MAX, mappingsMax: MAX });
    mappings -= MAPPINGS_RESERVED;
    expect(room.shortage()).toEqual({ mappings, mappingsMax: MAX });
    mappings -= 3;
    expect(room.shortage()).toBeUndefined();
  });

  it('where nobody can count there is always room, and the kernel decides', () => {
    const room = new MappingRoom(
      () => 'unknown',
      () => MAX,
    );
    for (let region = 0; region < 5000; region += 1) expect(room.shortage()).toBeUndefined();
  });
});
