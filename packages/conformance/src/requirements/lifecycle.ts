import type { MemoryBackend, RegionId } from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectCode, expectEqual, expectFilled, thrownBy } from '../expectation.js';
import { callsOnRegion, callsWithoutRegion } from '../region-calls.js';
import type { Requirement } from '../requirement.js';
import { levelsOf } from './protection.js';

const CYCLES = 200;
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

export const lifecycle: readonly Requirement[] = [
  {
    id: 'unmap-releases',
    group: 'lifecycle',
    sentence: 'unmap takes the region out of memory and its id out of use',
    contract: 'MemoryBackend.unmap',
    run: async (context) => {
      const { backend } = context;
      const region = context.map(2);
      const marker = new Marker();
      marker.lend((bytes) => backend.write(region, 0, bytes));
      backend.unmap(region);
      expectEqual(await context.evidence.copies(marker), 0, 'copies of the bytes after unmap');
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
    id: 'dispose-releases',
    group: 'lifecycle',
    sentence: 'dispose wipes and releases every region, closed ones too, and can be called again',
    contract: 'MemoryBackend[Symbol.dispose]',
    run: async (context) => {
      const before = await context.evidence.counts();
      const backend = context.open();
      const marker = new Marker();
      for (const level of [...levelsOf(backend.capabilities), 'read-write'] as const) {
        const region = backend.map(2 * backend.pageByteLength);
        marker.lend((bytes) => backend.write(region, 8, bytes));
        backend.protect(region, level);
      }
      backend[Symbol.dispose]();
      backend[Symbol.dispose]();
      expectEqual(await context.evidence.copies(marker), 0, 'copies of the bytes after dispose');
      const after = await context.evidence.counts();
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes after dispose');
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
      const { region, place } = await context.mapPlaced(1, backend);
      const view = backend.openView(region, 0, 32);
      view.bytes.fill(9);
      backend[Symbol.dispose]();
      const facts = await context.evidence.facts(place);
      expect(facts.mapped, 'a region under a live view should stay mapped');
      expectEqual(facts.protection, 'read-write', 'the protection of a region under a live view');
      expectFilled(view.bytes.slice(), 0, 'a live view after dispose');
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
