import type { Protection } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import type { Touch } from '../evidence/evidence.js';
import { expect, expectCode, expectEqual, expectPlain, expectSame } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

const PAGES = 3;

/** The first byte, one in the middle, and the last. */
const PLACES: readonly [Touch['offset'], ...Touch['offset'][]] = [
  { pages: 0, bytes: 0 },
  { pages: 1, bytes: 17 },
  { pages: PAGES, bytes: -1 },
];

async function expectTouch(
  { evidence, capabilities }: Context,
  protection: Protection,
  offset: Touch['offset'],
  access: Touch['access'],
  outcome: 'dies' | 'survives',
): Promise<void> {
  const via = capabilities.views === 'revocable' ? 'view' : 'address';
  const seen = await evidence.touch({ pages: PAGES, protection, offset, access, via });
  const where = `${offset.pages} pages and ${offset.bytes} bytes from the start`;
  expectEqual(seen, outcome, `a process that does a ${access} of a ${protection} region, ${where}`);
}

/** The level is refused, and the region is as open as before. */
function refuses(context: Context, protection: Protection): void {
  const region = context.map();
  expectCode(
    () => context.backend.protect(region, protection),
    'ERR_SECMEM_NOT_SUPPORTED',
    `protect(${protection})`,
  );
  context.backend.write(region, 0, scratch(8, 1));
}

export const protection: readonly Requirement[] = [
  {
    id: 'protect-no-access',
    group: 'protection',
    sentence: "protect('no-access') kills a reader and a writer anywhere in the region",
    contract: 'MemoryBackend.protect',
    capability: 'protection',
    claims: ({ protection }) => protection === 'no-access',
    run: async (context) => {
      await expectTouch(context, 'read-write', { pages: 0, bytes: 0 }, 'read', 'survives');
      const [first] = PLACES;
      await Promise.all([
        ...PLACES.map((place) => expectTouch(context, 'no-access', place, 'read', 'dies')),
        expectTouch(context, 'no-access', first, 'write', 'dies'),
      ]);
    },
    instead: "protect('no-access') throws ERR_SECMEM_NOT_SUPPORTED and the region stays open",
    otherwise: (context) => refuses(context, 'no-access'),
  },
  {
    id: 'protect-read-only',
    group: 'protection',
    sentence: "protect('read-only') kills a writer and spares a reader",
    contract: 'MemoryBackend.protect',
    capability: 'protection',
    claims: ({ protection }) => protection !== 'none',
    run: async (context) => {
      await expectTouch(context, 'read-only', { pages: 0, bytes: 0 }, 'read', 'survives');
      await Promise.all(
        PLACES.map((place) => expectTouch(context, 'read-only', place, 'write', 'dies')),
      );
    },
    instead: "protect('read-only') throws ERR_SECMEM_NOT_SUPPORTED and the region stays open",
    otherwise: (context) => refuses(context, 'read-only'),
  },
  {
    id: 'protect-whole-region',
    group: 'protection',
    sentence: 'protect changes the whole of its region and nothing of any other',
    contract: 'MemoryBackend.protect',
    capability: 'protection',
    claims: ({ protection }) => protection !== 'none',
    run: async (context) => {
      const placed = [];
      for (let index = 0; index < 3; index += 1) placed.push(await context.mapPlaced(2));
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        const target = placed[1];
        if (target !== undefined) context.backend.protect(target.region, level);
        for (const [index, { place }] of placed.entries()) {
          const facts = await context.evidence.facts(place);
          const expected = index === 1 ? level : 'read-write';
          expect(
            facts.mapped,
            `region ${index} of 3 should be mapped after protect(${level}) of 1`,
          );
          expectEqual(
            facts.protection,
            expected,
            `region ${index} of 3 after protect(${level}) of 1`,
          );
        }
      }
    },
    instead: "protect('read-write') succeeds and changes nothing",
    otherwise: async (context) => {
      const { region, place } = await context.mapPlaced(2);
      context.backend.protect(region, 'read-write');
      const facts = await context.evidence.facts(place);
      expectEqual(facts.protection, 'read-write', 'the protection after protect(read-write)');
    },
  },
  {
    id: 'protect-keeps-bytes',
    group: 'protection',
    sentence: 'a region keeps its bytes through every change of protection',
    contract: 'MemoryBackend.protect',
    run: (context) => {
      const { backend } = context;
      const region = context.map(2);
      const expected = pattern(2 * context.page, 5);
      backend.write(region, 0, expected);
      const levels = levelsOf(context.capabilities);
      for (const level of [...levels, ...levels.toReversed(), 'read-write'] as const) {
        backend.protect(region, level);
      }
      const actual = scratch(expected.length);
      backend.read(region, 0, actual);
      expectSame(actual, expected, 'the region');
    },
  },
  {
    id: 'protect-io',
    group: 'protection',
    sentence:
      'read, write and wipe work under every protection and leave it as it was, refused or not',
    contract: 'MemoryBackend.read, write, wipe',
    run: async (context) => {
      const { backend } = context;
      const { region, place } = await context.mapPlaced(2);
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        backend.protect(region, level);
        backend.write(region, 100, pattern(300, 1));
        backend.wipe(region, 150, 50);
        const actual = scratch(300);
        backend.read(region, 100, actual);
        const expected = pattern(300, 1).fill(0, 50, 100);
        expectSame(actual, expected, `a range of a ${level} region`);
        const facts = await context.evidence.facts(place);
        expectEqual(facts.protection, level, 'the protection after read, write and wipe');
        const past = 2 * context.page - 4;
        for (const refused of [
          () => backend.read(region, past, scratch(8)),
          () => backend.write(region, past, scratch(8)),
          () => backend.wipe(region, past, 8),
        ]) {
          expectPlain(refused, ['RangeError'], `a call past the end of a ${level} region`);
        }
        const after = await context.evidence.facts(place);
        expectEqual(after.protection, level, 'the protection after calls that were refused');
      }
    },
  },
  {
    id: 'protect-unknown-level',
    group: 'protection',
    sentence: 'protect with a level that the contract does not have throws and changes nothing',
    contract: 'MemoryBackend.protect',
    run: (context) => {
      const region = context.map();
      for (const level of ['none', 'execute', '', undefined, 0]) {
        expectPlain(
          () => context.backend.protect(region, level as Protection),
          ['TypeError', 'RangeError'],
          `protect(${JSON.stringify(level)})`,
        );
      }
      context.backend.write(region, 0, scratch(8, 1));
    },
  },
];
