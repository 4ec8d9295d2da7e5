import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import type { Touch } from '../evidence/evidence.js';
import { expect, expectEqual } from '../expectation.js';
import { levelsOf } from '../levels.js';

/** Touches around a region: each must kill where there are guards. */
const outsideOf = (
  pages: number,
): readonly (readonly [string, Touch['offset'], Touch['access']])[] => [
  ['the byte before', { pages: 0, bytes: -1 }, 'read'],
  ['one page before', { pages: -1, bytes: 0 }, 'read'],
  ['the byte after', { pages, bytes: 0 }, 'read'],
  ['a write to the byte after', { pages, bytes: 0 }, 'write'],
  ['the end of the page after', { pages: pages + 1, bytes: -1 }, 'read'],
];

const touchOf = (pages: number, offset: Touch['offset'], access: Touch['access']): Touch => ({
  pages,
  protection: 'read-write',
  offset,
  access,
  via: 'address',
});

/** Children touch what lies around a region of two pages, and of one. */
export async function guardsKill(context: Context): Promise<void> {
  const { evidence } = context;
  // The control first: the same way of touching must be harmless inside.
  const inside = [
    touchOf(2, { pages: 0, bytes: 0 }, 'write'),
    touchOf(2, { pages: 2, bytes: -1 }, 'write'),
  ];
  const survived = await Promise.all(inside.map((touch) => evidence.touch(touch)));
  expectEqual(survived, ['survives', 'survives'], 'processes that touch the region itself');
  const [before, , after] = outsideOf(1);
  const touches = [
    ...outsideOf(2).map((touch) => [2, ...touch] as const),
    ...[before, after].flatMap((touch) => (touch === undefined ? [] : [[1, ...touch] as const])),
  ];
  const outcomes = await Promise.all(
    touches.map(([pages, , offset, access]) => evidence.touch(touchOf(pages, offset, access))),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const [pages, where] = touches[index] ?? [];
    expectEqual(outcome, 'dies', `a process that touches ${where} a region of ${pages} pages`);
  }
  await guardsStay(context);
}

/** Where the evidence sees guards it sees them under every protection and after every use. */
async function guardsStay(context: Context): Promise<void> {
  const { backend, evidence } = context;
  for (const pages of [1, 2, context.manyPages]) {
    const { region, place } = await context.mapPlaced(pages);
    const seen = place.untouched.guardBefore && place.untouched.guardAfter;
    for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
      backend.protect(region, level);
      backend.write(region, 0, pattern(64, 1));
      backend.read(region, 0, scratch(64));
      backend.wipe(region, 0, 64);
      const { guardBefore, guardAfter } = await evidence.facts(place);
      const what = `of ${pages} pages after use under protect(${level})`;
      // Guards of a kind that the evidence cannot see were proved by the children above.
      expect(guardBefore || !seen, `the guard before a region is gone, ${what}`);
      expect(guardAfter || !seen, `the guard after a region is gone, ${what}`);
    }
    backend.unmap(region);
  }
}

/** Whether a region is guarded by whatever mechanism: what a touch does decides where the flags show nothing. */
export async function isGuarded({ evidence }: Context, flags: boolean): Promise<boolean> {
  if (flags) return true;
  const [before, , after] = outsideOf(2);
  for (const touch of [before, after]) {
    if (touch === undefined) continue;
    if ((await evidence.touch(touchOf(2, touch[1], touch[2]))) !== 'dies') return false;
  }
  return true;
}
