import type { MemoryBackend, RegionId } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectCode, expectEqual, expectFilled, thrownBy } from '../expectation.js';
import { levelsOf } from '../levels.js';
import { callsOnRegion, callsWithoutRegion } from '../region-calls.js';
import type { Requirement } from '../requirement.js';

const CYCLES = 200;
const REGIONS_MANY = 40;
/** Larger than the address space of every processor that Node runs on. */
const TOO_LARGE = 2 ** 50;
const ROUNDS = 100;
/** The engine itself adds and removes a few mappings at any time; 200 regions that leak one each stand out. */
const MAPPINGS_NOISE = 60;

function useOnce(backend: MemoryBackend): RegionId {
  const region = backend.map(2 * backend.pageByteLength);
  backend.write(region, 0, scratch(64, 1));
  if (backend.capabilities.views === 'revocable') backend.openView(region, 0, 64).close();
  const [level] = levelsOf(backend.capabilities);
  if (level !== undefined) backend.protect(region, level);
  backend.unmap(region);
  return region;
}

/** Every method, as it should be called and as it must refuse, in a way that can be repeated for ever. */
function repeatableCalls(context: Context): readonly (readonly [string, () => unknown])[] {
  const { backend, page } = context;
  const live = context.map(2);
  const stale = context.map();
  backend.unmap(stale);
  const refused = (call: () => unknown) => () => thrownBy(call);
  const good = callsOnRegion(backend).filter(([name]) => name !== 'unmap' && name !== 'openView');
  const cycle = (): void => backend.unmap(backend.map(page));
  const calls: [string, () => unknown][] = [
    ['map and unmap', cycle],
    ['map that is refused', refused(() => backend.unmap(backend.map(1)))],
    ['map of more than there is', refused(() => backend.unmap(backend.map(TOO_LARGE)))],
    ['raiseLockLimit that is refused', refused(() => backend.raiseLockLimit(-1))],
    ...good.map(([name, call]): [string, () => unknown] => [name, refused(() => call(live))]),
    ...callsWithoutRegion(backend)
      .filter(([name]) => name !== 'map')
      .map(([name, call]): [string, () => unknown] => [name, () => call(live)]),
    ...callsOnRegion(backend).map(([name, call]): [string, () => unknown] => [
      `${name} of a released region`,
      refused(() => call(stale)),
    ]),
  ];
  if (backend.capabilities.cipher === 'none') {
    const [key, text] = [0, 64].map((byteOffset) => ({ region: live, byteOffset, byteLength: 32 }));
    if (key === undefined || text === undefined) return calls;
    const [nonce, data, sealed] = [scratch(12), scratch(0), scratch(48)];
    calls.push([
      'seal without a cipher',
      refused(() => backend.seal(key, nonce, data, text, sealed)),
    ]);
    calls.push([
      'unseal without a cipher',
      refused(() => backend.unseal(key, nonce, data, sealed, text)),
    ]);
  }
  if (backend.capabilities.views === 'revocable') {
    calls.push(['openView and close', () => backend.openView(live, 0, 64).close()]);
  }
  return calls;
}

/** A region of three pages with the marker on each of them. */
function fillPages({ page }: Context, backend: MemoryBackend, marker: Marker): RegionId {
  const region = backend.map(3 * page);
  for (const at of [8, page, 3 * page - marker.byteLength]) {
    marker.lend((bytes) => backend.write(region, at, bytes));
  }
  return region;
}

/** Enough regions that one mapping of each stands out, or what the lock limit leaves. */
const manyRegions = ({ manyPages }: Context): number =>
  manyPages < REGIONS_MANY ? 0 : REGIONS_MANY;

export const lifecycle: readonly Requirement[] = [
  {
    id: 'unmap-releases',
    group: 'lifecycle',
    sentence: 'unmap takes the region out of memory and its id out of use',
    contract: 'MemoryBackend.unmap',
    run: async (context) => {
      const { backend } = context;
      const marker = new Marker();
      const region = context.map(2);
      for (const level of [...levelsOf(backend.capabilities), 'read-write'] as const) {
        const other = fillPages(context, backend, marker);
        backend.protect(other, level);
        backend.unmap(other);
        const left = await context.evidence.copies(marker);
        expectEqual(left, 0, `copies of the bytes after unmap of a ${level} region`);
      }
      backend.unmap(region);
      for (const [name, call] of callsOnRegion(backend)) {
        expectCode(() => call(region), 'ERR_SECMEM_DISPOSED', `${name} of a released region`);
      }
    },
  },
  {
    id: 'ids-never-return',
    group: 'lifecycle',
    sentence: 'no id is ever given twice, and every old one is refused for ever',
    contract: 'RegionId',
    run: (context) => {
      const { backend } = context;
      const seen = new Set<RegionId>();
      for (let cycle = 0; cycle < CYCLES; cycle += 1) {
        const region = backend.map(context.page);
        expect(!seen.has(region), `map gave the id of a released region again, in cycle ${cycle}`);
        seen.add(region);
        backend.unmap(region);
      }
      const live = context.map();
      backend.write(live, 0, scratch(8, 5));
      for (const region of seen) {
        expectCode(() => backend.wipe(region, 0, 8), 'ERR_SECMEM_DISPOSED', 'wipe of an old id');
      }
      const actual = scratch(8);
      backend.read(live, 0, actual);
      expectFilled(actual, 5, 'a live region after old ids were used');
    },
  },
  {
    id: 'cycles-leave-nothing',
    group: 'lifecycle',
    sentence: 'hundreds of regions that come and go leave no lock, no mapping and no descriptor',
    contract: 'MemoryBackend.unmap',
    run: async (context) => {
      useOnce(context.backend);
      const before = await context.evidence.counts();
      for (let cycle = 0; cycle < CYCLES; cycle += 1) useOnce(context.backend);
      const after = await context.evidence.counts();
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes');
      const grown = after.mappings - before.mappings;
      expect(grown < MAPPINGS_NOISE, `${CYCLES} cycles left ${grown} mappings`);
      expectEqual(after.descriptors, before.descriptors, 'open descriptors');
    },
  },
  {
    id: 'calls-leave-nothing',
    group: 'lifecycle',
    sentence: 'no method leaves a descriptor, a mapping or a lock behind, refused or not',
    contract: 'MemoryBackend',
    run: async (context) => {
      const { evidence } = context;
      for (const [name, call] of repeatableCalls(context)) {
        // The first call may open what stays open, such as a file of the kernel.
        for (let round = 0; round < 2; round += 1) call();
        const before = await evidence.counts();
        for (let round = 0; round < ROUNDS; round += 1) call();
        const after = await evidence.counts();
        const opened = after.descriptors - before.descriptors;
        expect(opened <= 0, `${ROUNDS} calls of ${name} left ${opened} descriptors`);
        const grown = after.mappings - before.mappings;
        expect(grown < MAPPINGS_NOISE, `${ROUNDS} calls of ${name} left ${grown} mappings`);
        const locked = after.lockedByteLength - before.lockedByteLength;
        expect(locked <= 0, `${ROUNDS} calls of ${name} left ${locked} locked bytes`);
      }
    },
  },
  {
    id: 'dispose-releases',
    group: 'lifecycle',
    sentence: 'dispose wipes and releases every region, closed ones too, and can be called again',
    contract: 'MemoryBackend[Symbol.dispose]',
    run: async (context) => {
      // What a first region makes the engine and the backend keep is no leak.
      useOnce(context.backend);
      const regions = manyRegions(context);
      const before = await context.evidence.counts();
      const backend = context.open();
      const marker = new Marker();
      for (const level of [...levelsOf(backend.capabilities), 'read-write'] as const) {
        backend.protect(fillPages(context, backend, marker), level);
      }
      for (let index = 0; index < regions; index += 1) {
        backend.map(backend.pageByteLength);
      }
      backend[Symbol.dispose]();
      backend[Symbol.dispose]();
      expectEqual(await context.evidence.copies(marker), 0, 'copies of the bytes after dispose');
      const after = await context.evidence.counts();
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes after dispose');
      expectEqual(after.descriptors, before.descriptors, 'open descriptors after dispose');
      const grown = after.mappings - before.mappings;
      expect(grown < REGIONS_MANY / 2, `dispose of ${REGIONS_MANY} regions left ${grown} mappings`);
    },
  },
  {
    id: 'dispose-spares-views',
    group: 'lifecycle',
    sentence: 'dispose wipes a region with a live view and leaves it mapped and accessible',
    contract: 'MemoryBackend[Symbol.dispose]',
    capability: 'views',
    claims: (capabilities) => capabilities.views === 'revocable',
    run: async (context) => {
      const backend = context.open();
      const { region, place } = await context.mapPlaced(3, backend);
      const byteLength = 3 * context.page;
      backend.write(region, 0, pattern(byteLength, 3));
      const view = backend.openView(region, 0, 32);
      backend[Symbol.dispose]();
      const facts = await context.evidence.facts(place);
      expect(facts.mapped, 'a region under a live view should stay mapped');
      expectEqual(facts.protection, 'read-write', 'the protection of a region under a live view');
      expectFilled(view.bytes.slice(), 0, 'a live view after dispose');
      const content = await context.evidence.content(place, 0, byteLength);
      if (content !== 'unreadable') expectFilled(content, 0, 'the region of a live view');
      // Never throws, not even now.
      view.close();
    },
    instead: 'dispose of a backend without views releases every region',
    otherwise: (context) => {
      const backend = context.open();
      backend.map(backend.pageByteLength);
      backend[Symbol.dispose]();
    },
  },
  {
    id: 'closed-refuses',
    group: 'lifecycle',
    sentence: 'every call after dispose throws ERR_SECMEM_CLOSED',
    contract: 'MemoryBackend[Symbol.dispose]',
    run: (context) => {
      const backend = context.open();
      const region = backend.map(backend.pageByteLength);
      backend[Symbol.dispose]();
      for (const [name, call] of [...callsOnRegion(backend), ...callsWithoutRegion(backend)]) {
        expectCode(() => call(region), 'ERR_SECMEM_CLOSED', `${name} after dispose`);
      }
    },
  },
  {
    id: 'instances-independent',
    group: 'lifecycle',
    sentence:
      'an instance neither answers to the ids of another nor loses anything when that one is disposed',
    contract: 'MemoryBackend',
    run: (context) => {
      const { backend } = context;
      const region = context.map();
      backend.write(region, 0, scratch(16, 6));
      const other = context.open();
      const foreign = other.map(2 * context.page);
      other.write(foreign, 0, scratch(16, 7));
      const stolen = scratch(16);
      const error = thrownBy(() => backend.read(foreign, 0, stolen));
      // Two instances may count alike; then the id is this instance's own, and shows its own region.
      if (error === undefined)
        expectFilled(stolen, 6, 'a region read by the id of another instance');
      other[Symbol.dispose]();
      const actual = scratch(16);
      backend.read(region, 0, actual);
      expectFilled(actual, 6, 'a region after another instance was disposed');
    },
  },
];
