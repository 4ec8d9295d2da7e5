import type { LockLimit } from '@securemem/core/contract';
import type { Context } from '../context.js';
import type { DescribedError } from '../described-error.js';
import { type Confinement, type Counts, NotProven } from '../evidence/evidence.js';
import { expect, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';

/** What most containers and older systems give a process. */
const LIMIT = 65_536;
const TIGHT: Confinement = { softByteLength: LIMIT, hardByteLength: LIMIT };
/** More regions than any process has mappings for. */
const REGIONS_MAX = 70_000;
/** Larger than the address space of every processor that Node runs on. */
const TOO_LARGE = 2 ** 50;
/** The engine itself adds and removes a few mappings at any time; 50 failures that leak one each stand out. */
const MAPPINGS_NOISE = 25;

const claims = ({ locking }: { readonly locking: 'locked' | 'none' }): boolean =>
  locking === 'locked';

interface Filled {
  readonly limit: LockLimit;
  readonly pageByteLength: number;
  readonly mappedPages: number;
  readonly error?: DescribedError;
  readonly before: Counts;
  readonly after: Counts;
  readonly errorAfterRelease?: DescribedError;
  readonly stillThere: boolean;
}

interface Once {
  readonly limit: LockLimit;
  readonly error?: DescribedError;
  readonly before: Counts;
  readonly after: Counts;
}

interface Raised {
  readonly raised: LockLimit;
  readonly inForce: LockLimit;
  readonly less: LockLimit;
  readonly after: LockLimit;
  readonly last: LockLimit;
  readonly error?: DescribedError;
  readonly furtherError?: DescribedError;
}

interface Exhausted {
  readonly limit: LockLimit;
  readonly mappedByteLength: number;
  readonly mapped: number;
  readonly error?: DescribedError;
  readonly protectError?: DescribedError;
  readonly unmapError?: DescribedError;
  readonly start: Counts;
  readonly end: Counts;
}

/** A backend that locks nothing is not bound by the lock limit, and says so. */
async function notBound(context: Context): Promise<void> {
  const filled = await context.evidence.task<Filled>('fillLockLimit', {}, TIGHT);
  expectEqual(filled.limit, { kind: 'unlimited' }, 'lockLimit of a backend that locks nothing');
  expect(filled.error === undefined, `map fails under a lock limit: ${filled.error?.message}`);
}

function expectCapacity(
  error: DescribedError | undefined,
  codes: readonly string[],
  what: string,
): void {
  expect(error !== undefined, `${what} should throw ${codes.join(' or ')} and did not throw`);
  expect(
    codes.includes(String(error.code)),
    `${what} should throw ${codes.join(' or ')}: ${error.code ?? error.message}`,
  );
  expectEqual(error.kind, 'capacity', `${what}: the kind`);
}

export const limits: readonly Requirement[] = [
  {
    id: 'limit-bites',
    group: 'limits',
    sentence:
      'map gives what fits under the lock limit and throws ERR_SECMEM_LOCK_LIMIT for one page more',
    contract: 'MemoryBackend.map',
    capability: 'locking',
    claims,
    run: async ({ backend, evidence }) => {
      const { error, before, mappedPages, pageByteLength } = await evidence.task<Filled>(
        'fillLockLimit',
        {},
        TIGHT,
      );
      expectCapacity(error, ['ERR_SECMEM_LOCK_LIMIT'], `map of page ${mappedPages + 1}`);
      expect(mappedPages > 0, 'not even one page was mapped');
      const isFull = before.lockedByteLength + pageByteLength > LIMIT;
      if (!isFull && backend.capabilities.lockEvidence === 'resident') {
        throw new NotProven('this kernel does not show what it counts under the limit');
      }
      expect(
        isFull,
        `map failed although only ${before.lockedByteLength} of ${LIMIT} bytes were locked`,
      );
      expect(
        before.lockedByteLength >= mappedPages * pageByteLength,
        'not every mapped page is locked',
      );
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-numbers',
    group: 'limits',
    sentence:
      'ERR_SECMEM_LOCK_LIMIT explains itself: which limit, how much was asked, used and allowed, what to do',
    contract: 'ErrorDetails',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      const { error, before, pageByteLength } = await evidence.task<Filled>(
        'fillLockLimit',
        {},
        TIGHT,
      );
      const details = error?.details ?? {};
      expectEqual(details['limit'], 'lock', 'details.limit');
      expectEqual(details['requestedByteLength'], pageByteLength, 'details.requestedByteLength');
      expectEqual(details['limitByteLength'], LIMIT, 'details.limitByteLength');
      expectEqual(details['inUseByteLength'], before.lockedByteLength, 'details.inUseByteLength');
      const remedy = details['remedy'];
      expect(
        typeof remedy === 'string' && remedy.length > 0,
        'details.remedy should be a sentence',
      );
      expect(typeof error?.syscall === 'string', 'the error should name the system call');
      expect(typeof error?.errno === 'number', 'the error should have the error number');
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-failure-leaves-nothing',
    group: 'limits',
    sentence:
      'a map that fails at the lock limit leaves no lock, no mapping and every other region as it was',
    contract: 'MemoryBackend.map',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      // Regions of several pages: some of their pages can still be locked when the limit is reached.
      const filled = await evidence.task<Filled>('fillLockLimit', { pages: 5 }, TIGHT);
      expectEqual(
        filled.after.lockedByteLength,
        filled.before.lockedByteLength,
        'locked bytes after 50 failures',
      );
      const grown = filled.after.mappings - filled.before.mappings;
      expect(grown < MAPPINGS_NOISE, `50 failures left ${grown} mappings`);
      expect(filled.stillThere, 'a failed map took another region away');
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-release',
    group: 'limits',
    sentence: 'map succeeds again as soon as a region of that size was released',
    contract: 'MemoryBackend.unmap',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      const { errorAfterRelease } = await evidence.task<Filled>('fillLockLimit', {}, TIGHT);
      expect(errorAfterRelease === undefined, `map after a release: ${errorAfterRelease?.message}`);
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-zero',
    group: 'limits',
    sentence: 'a lock limit of 0 is ERR_SECMEM_LOCK_LIMIT too, not a lack of permission',
    contract: 'MemoryBackend.map',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      const none = { softByteLength: 0, hardByteLength: 0 };
      const { error, limit, before, after } = await evidence.task<Once>('mapOnce', {}, none);
      expectEqual(limit, { kind: 'bytes', byteLength: 0 }, 'lockLimit');
      expectCapacity(error, ['ERR_SECMEM_LOCK_LIMIT'], 'map');
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes');
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-in-force',
    group: 'limits',
    sentence: 'lockLimit answers the soft limit in force now, also when it was changed in mid-use',
    contract: 'MemoryBackend.lockLimit',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      const loweredByteLength = LIMIT / 2;
      const seen = await evidence.task<{ first: LockLimit; second: LockLimit }>(
        'followLockLimit',
        { loweredByteLength },
        { softByteLength: LIMIT, hardByteLength: 2 * LIMIT },
      );
      expectEqual(seen.first, { kind: 'bytes', byteLength: LIMIT }, 'lockLimit at first');
      expectEqual(
        seen.second,
        { kind: 'bytes', byteLength: loweredByteLength },
        'lockLimit after prlimit',
      );
    },
    instead: 'lockLimit answers unlimited and no lock limit binds',
    otherwise: notBound,
  },
  {
    id: 'limit-raise',
    group: 'limits',
    sentence:
      'raiseLockLimit raises up to the hard limit, never lowers, and fails with nothing changed beyond it',
    contract: 'MemoryBackend.raiseLockLimit',
    capability: 'locking',
    claims,
    run: async ({ evidence }) => {
      const seen = await evidence.task<Raised>(
        'raiseLockLimit',
        { within: 2 * LIMIT, further: 3 * LIMIT, beyond: 4 * LIMIT },
        { softByteLength: LIMIT, hardByteLength: 3 * LIMIT },
      );
      const { raised, furtherError } = seen;
      const enough = raised.kind === 'bytes' && raised.byteLength >= 2 * LIMIT;
      expect(enough && raised.byteLength <= 3 * LIMIT, `raised to ${JSON.stringify(raised)}`);
      for (const name of ['inForce', 'less', 'after'] as const) {
        expectEqual(seen[name], raised, `the limit ${name}`);
      }
      expectEqual(seen.error?.code, 'ERR_SECMEM_CANNOT_RAISE', 'the code beyond the hard limit');
      expect(furtherError === undefined, `the way up to the hard limit: ${furtherError?.message}`);
      expectEqual(seen.last, { kind: 'bytes', byteLength: 3 * LIMIT }, 'the limit at the end');
    },
    instead: 'raiseLockLimit answers unlimited',
    otherwise: (context) => {
      const limit = context.backend.raiseLockLimit(LIMIT);
      expectEqual(limit, { kind: 'unlimited' }, 'raiseLockLimit of a backend that locks nothing');
    },
  },
  {
    id: 'limit-memory',
    group: 'limits',
    sentence: 'map of more than there can be throws a capacity error and leaves nothing',
    contract: 'MemoryBackend.map',
    run: async ({ evidence }) => {
      const { error, before, after, limit } = await evidence.task<Once>('mapOnce', {
        byteLength: TOO_LARGE,
      });
      const codes = ['ERR_SECMEM_OUT_OF_MEMORY'];
      // Where a limit binds it is just as true that the limit is in the way.
      if (limit.kind === 'bytes') codes.push('ERR_SECMEM_LOCK_LIMIT');
      expectCapacity(error, codes, `map of ${TOO_LARGE} bytes`);
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes');
    },
  },
  {
    id: 'limit-mappings',
    group: 'limits',
    sentence:
      'map without a mapping left throws ERR_SECMEM_MAP_LIMIT; protect and unmap still work there',
    contract: 'MemoryBackend.map, protect, unmap',
    capability: 'guardPages',
    claims: ({ guardPages }) => guardPages,
    run: async ({ evidence }) => {
      const seen = await evidence.task<Exhausted>('exhaustMappings', { regionsMax: REGIONS_MAX });
      // An ordinary user may reach the lock limit first, and rightly so.
      const { limit, mappedByteLength } = seen;
      if (limit.kind === 'bytes' && limit.byteLength - mappedByteLength < LIMIT) {
        throw new NotProven('the lock limit of this user is reached before the mapping limit');
      }
      expectCapacity(seen.error, ['ERR_SECMEM_MAP_LIMIT'], `map of region ${seen.mapped + 1}`);
      const { protectError, unmapError, start, end } = seen;
      expect(protectError === undefined, `protect at the limit: ${protectError?.message}`);
      expect(unmapError === undefined, `unmap at the limit: ${unmapError?.message}`);
      expectEqual(end.lockedByteLength, start.lockedByteLength, 'locked bytes at the end');
      expect(
        end.mappings - start.mappings < 1000,
        `${end.mappings - start.mappings} mappings stayed`,
      );
    },
    instead: 'hundreds of regions can be mapped and released',
    otherwise: (context) => {
      const regions = Array.from({ length: 500 }, () => context.map());
      for (const region of regions) context.backend.unmap(region);
    },
  },
];
