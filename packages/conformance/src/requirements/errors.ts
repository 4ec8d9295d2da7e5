import type { RegionFacts } from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import type { DescribedError } from '../described-error.js';
import { describedBy, expectShape, numbersIn, provokedErrors } from '../error-shape.js';
import type { Counts } from '../evidence/evidence.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual } from '../expectation.js';
import { callsOnRegion } from '../region-calls.js';
import type { Requirement } from '../requirement.js';

/** 50 failures that leak a mapping each stand out from what the engine itself does. */
const MAPPINGS_NOISE = 25;

interface MapRefused {
  readonly error?: DescribedError;
  readonly before: Counts;
  readonly after: Counts;
  readonly keptByte: number;
}

interface ProtectRefused {
  readonly error?: DescribedError;
  readonly facts: RegionFacts | 'unknown';
  readonly byte: number;
  readonly readError?: DescribedError;
}

function expectNothingLeft({ before, after, keptByte }: MapRefused): void {
  expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes after 50 failures');
  const grown = after.mappings - before.mappings;
  expect(grown < MAPPINGS_NOISE, `50 failures left ${grown} mappings`);
  expectEqual(keptByte, 7, 'a byte of another region');
}

export const errors: readonly Requirement[] = [
  {
    id: 'error-shape',
    group: 'errors',
    sentence:
      'every error of the contract has a known code, its kind, the operation and the backend',
    contract: 'SecureMemoryError',
    run: async (context) => {
      const { backend } = context;
      const stale = backend.map(backend.pageByteLength);
      backend.unmap(stale);
      for (const [name, call] of callsOnRegion(backend)) {
        expectShape(await describedBy(() => call(stale)), name, backend.name);
      }
      for (const { operation, error } of await provokedErrors(context)) {
        if (error !== undefined) expectShape(error, operation, backend.name);
      }
    },
  },
  {
    id: 'error-discreet',
    group: 'errors',
    sentence: 'no error tells an address or a byte of a secret, in its words or in any field',
    contract: 'ErrorDetails',
    run: async (context) => {
      const { backend, evidence } = context;
      const { region, place } = await context.mapPlaced();
      const marker = new Marker();
      marker.lend((bytes) => backend.write(region, 0, bytes));
      const thrown = [
        await describedBy(() => backend.read(region, 2 ** 40, scratch(8))),
        await describedBy(() => backend.write(region, 2 ** 40, scratch(8))),
        await describedBy(() => backend.wipe(region, 0, 2 ** 40)),
        await describedBy(() => backend.protect(region, 'open' as 'read-only')),
        await describedBy(() => backend.raiseLockLimit(2 ** 50)),
      ];
      backend.unmap(region);
      for (const [, call] of callsOnRegion(backend)) {
        thrown.push(await describedBy(() => call(region)));
      }
      for (const error of thrown) {
        const words = error?.words ?? '';
        marker.lend((bytes) => {
          const secret = Buffer.from(bytes.buffer as ArrayBuffer);
          for (const told of [secret.toString('hex', 0, 8), secret.toString('base64', 0, 9)]) {
            expect(!words.includes(told), `an error shows bytes of a secret: ${error?.name}`);
          }
        });
        for (const value of await numbersIn(words)) {
          const inside = await evidence.isInside(place, value);
          expect(!inside, `an error shows the address ${value}: ${words}`);
        }
      }
      for (const { operation, error, addresses } of await provokedErrors(context)) {
        const told = `${operation} shows an address in its error: ${error?.words}`;
        expect(addresses.length === 0, told);
      }
    },
  },
  {
    id: 'error-lock-denied',
    group: 'errors',
    sentence:
      'a lock that is forbidden under a positive limit is ERR_SECMEM_DENIED and leaves nothing',
    contract: 'MemoryBackend.map',
    capability: 'locking',
    claims: ({ locking }) => locking === 'locked',
    run: async ({ evidence, backend }) => {
      const seen = await evidence.task<MapRefused>('mapRefused', { call: 'mlock' });
      expectShape(seen.error, 'map', backend.name);
      expectEqual(seen.error?.code, 'ERR_SECMEM_DENIED', 'the code of map');
      expect(typeof seen.error?.errno === 'number', 'the error should have the error number');
      expectNothingLeft(seen);
    },
    instead: 'map needs no permission to lock',
    otherwise: (context) => {
      context.backend.unmap(context.map());
    },
  },
  {
    id: 'error-advice-refused',
    group: 'errors',
    sentence: 'map throws when the system refuses to keep the pages out of core files or children',
    contract: 'BackendCapabilities',
    capability: 'dumpExclusion',
    claims: ({ dumpExclusion }) => dumpExclusion,
    run: async ({ evidence, backend, capabilities }) => {
      // Secret memory is excluded by the kernel itself; what could be refused is at most the advice about children.
      if (capabilities.kernelHidden && capabilities.forkBehaviour === 'inherited') return;
      const seen = await evidence.task<MapRefused>('mapRefused', { call: 'madvise' });
      expectShape(seen.error, 'map', backend.name);
      expect(typeof seen.error?.syscall === 'string', 'the error should name the system call');
      expect(typeof seen.error?.errno === 'number', 'the error should have the error number');
      expectNothingLeft(seen);
    },
    instead: 'map needs no advice to the kernel',
    otherwise: (context) => {
      context.backend.unmap(context.map());
    },
  },
  {
    id: 'error-protect-refused',
    group: 'errors',
    sentence: 'protect throws when the system refuses, and the region is as it was',
    contract: 'MemoryBackend.protect',
    capability: 'protection',
    claims: ({ protection }) => protection !== 'none',
    run: async ({ evidence, backend }) => {
      const seen = await evidence.task<ProtectRefused>('protectRefused', {});
      expectShape(seen.error, 'protect', backend.name);
      expect(typeof seen.error?.errno === 'number', 'the error should have the error number');
      expect(seen.readError === undefined, `read afterwards: ${seen.readError?.message}`);
      expectEqual(seen.byte, 7, 'a byte of the region');
      const protection = seen.facts === 'unknown' ? 'read-write' : seen.facts.protection;
      expectEqual(protection, 'read-write', 'the protection that inspect sees');
    },
    instead: "protect('read-write') succeeds",
    otherwise: (context) => {
      context.backend.protect(context.map(), 'read-write');
    },
  },
];
