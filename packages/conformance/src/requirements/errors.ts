import { ERROR_KINDS, type ErrorCode, type RegionFacts } from '@securemem/core/contract';
import type { DescribedError } from '../described-error.js';
import type { Counts } from '../evidence/evidence.js';
import { Marker } from '../evidence/marker.js';
import { expect, expectEqual, thrownBy } from '../expectation.js';
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

function expectShape(error: DescribedError | undefined, operation: string, backend: string): void {
  expect(error !== undefined, `${operation} should throw and did not throw`);
  expect(
    error.branded,
    `${operation} should throw SecureMemoryError: ${error.name} ${error.message}`,
  );
  const kind = ERROR_KINDS[error.code as ErrorCode];
  expect(kind !== undefined, `${operation}: no code of the contract: ${error.code}`);
  expectEqual(error.kind, kind, `${operation}: the kind of ${error.code}`);
  expectEqual(error.operation, operation, `${operation}: the operation`);
  expectEqual(error.backend, backend, `${operation}: the backend`);
}

function expectNothingLeft({ before, after, keptByte }: MapRefused): void {
  expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes after 50 failures');
  const grown = after.mappings - before.mappings;
  expect(grown < MAPPINGS_NOISE, `50 failures left ${grown} mappings`);
  expectEqual(keptByte, 7, 'a byte of another region');
}

/** All numbers in a text that could be addresses, written in any way. */
function numbersIn(text: string): number[] {
  const found = text.match(/0x[0-9a-f]{5,16}|\b[0-9a-f]{9,16}\b|\b\d{7,16}\b/gi) ?? [];
  return found.flatMap((digits) => {
    const plain = digits.replace(/^0x/i, '');
    return [Number.parseInt(plain, 16), Number(plain)].filter(Number.isSafeInteger);
  });
}

export const errors: readonly Requirement[] = [
  {
    id: 'error-shape',
    group: 'errors',
    sentence:
      'every error of the contract has a known code, its kind, the operation and the backend',
    contract: 'SecureMemoryError',
    run: ({ backend }) => {
      const stale = backend.map(backend.pageByteLength);
      backend.unmap(stale);
      for (const [name, call] of callsOnRegion(backend)) {
        const error = thrownBy(() => call(stale)) as Partial<DescribedError> | undefined;
        expect(error !== undefined, `${name} of a released region did not throw`);
        const branded = (error as Record<symbol, unknown>)[Symbol.for('securemem.error')] === true;
        expectShape({ message: '', ...error, branded }, name, backend.name);
      }
    },
  },
  {
    id: 'error-discreet',
    group: 'errors',
    sentence: 'no error tells an address or a byte of a secret',
    contract: 'ErrorDetails',
    run: async (context) => {
      const { backend, evidence } = context;
      const { region, place } = await context.mapPlaced();
      const marker = new Marker();
      marker.lend((bytes) => backend.write(region, 0, bytes));
      const thrown = [
        thrownBy(() => backend.read(region, 2 ** 40, new Uint8Array(8))),
        thrownBy(() => backend.raiseLockLimit(2 ** 50)),
      ];
      backend.unmap(region);
      thrown.push(...callsOnRegion(backend).map(([, call]) => thrownBy(() => call(region))));
      for (const error of thrown) {
        if (!(error instanceof Error)) continue;
        const text = `${error.message} ${JSON.stringify({ ...error, stack: undefined })}`;
        marker.lend((bytes) => {
          const secret = Buffer.from(bytes.buffer as ArrayBuffer).toString('hex', 0, 8);
          expect(!text.includes(secret), `an error shows bytes of a secret: ${error.name}`);
        });
        for (const value of numbersIn(text)) {
          expect(
            !(await evidence.isInside(place, value)),
            `an error shows the address ${value}: ${text}`,
          );
        }
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
