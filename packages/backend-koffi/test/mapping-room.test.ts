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
  const room = new MappingRoom(
    () => {
      counts += 1;
      return mappings;
    },
    () => MAX,
  );
  while (regions < MAX && room.shortage() === undefined) {
    regions += 1;
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
