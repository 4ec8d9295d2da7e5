import { MADVISE, madvise, mprotect, PAGE } from '../libc.mjs';
import { right, withMethods, withPages } from './bug.mjs';

/** @typedef {import('./bug.mjs').Region} Region */

/** Advice for a part of a region only. @param {number} advice @param {(region: Region) => [number, number]} partOf */
const partly = (advice, partOf) => (/** @type {Region} */ region) => {
  const [start, byteLength] = partOf(region);
  return byteLength <= 0 ? 0 : madvise(start, byteLength, advice);
};
const firstPage = (/** @type {Region} */ { start }) =>
  /** @type {[number, number]} */ ([start, PAGE]);
const allButFirst = (/** @type {Region} */ { start, byteLength }) =>
  /** @type {[number, number]} */ ([start + PAGE, byteLength - PAGE]);
const allButLast = (/** @type {Region} */ { start, byteLength }) =>
  /** @type {[number, number]} */ ([start, byteLength > PAGE ? byteLength - PAGE : byteLength]);
const sixteenPages = (/** @type {Region} */ { start, byteLength }) =>
  /** @type {[number, number]} */ ([start, Math.min(byteLength, 16 * PAGE)]);

/** Undoes the advice after a change of protection. @param {number} advice @param {string} level */
const lostAt = (advice, level) => ({
  /** @param {Region} region @param {Region['protection']} protection */
  protect(region, protection) {
    const errno = right.protect(region, protection);
    if (protection === level) madvise(region.start, region.byteLength, advice);
    return errno;
  },
});

/** Core files and children: the two advices of `map`. @type {Record<string, import('./bug.mjs').Bug>} */
export const advice = {
  'dump-none': withPages('dump-flag', { excludeFromDump: () => 0 }),
  'dump-first-page': withPages('dump-flag', {
    excludeFromDump: partly(MADVISE.DONTDUMP, firstPage),
  }),
  'dump-all-but-first': withPages('dump-flag', {
    excludeFromDump: partly(MADVISE.DONTDUMP, allButFirst),
  }),
  'dump-all-but-last': withPages('dump-flag', {
    excludeFromDump: partly(MADVISE.DONTDUMP, allButLast),
  }),
  'dump-sixteen-pages': withPages('dump-flag', {
    excludeFromDump: partly(MADVISE.DONTDUMP, sixteenPages),
  }),
  'dump-first-page-core': withPages('dump-core-file', {
    excludeFromDump: partly(MADVISE.DONTDUMP, firstPage),
  }),
  'dump-all-but-last-core': withPages('dump-core-file', {
    excludeFromDump: partly(MADVISE.DONTDUMP, allButLast),
  }),
  'dump-lost-closed': withPages('dump-flag-survives', lostAt(MADVISE.DODUMP, 'no-access')),
  'dump-lost-closed-core': withPages('dump-core-file', lostAt(MADVISE.DODUMP, 'no-access')),
  'dump-lost-read-only-core': withPages('dump-core-file', lostAt(MADVISE.DODUMP, 'read-only')),
  'dump-lost-reopened': withPages('dump-flag-survives', lostAt(MADVISE.DODUMP, 'read-write')),
  'dump-late': withPages('dump-flag', {
    excludeFromDump: () => 0,
    /** Excluded when the first byte goes in. @param {Region} region @param {(bytes: Uint8Array) => void} use */
    onOpen(region, use) {
      right.excludeFromDump(region);
      right.onOpen(region, use);
    },
  }),
  'dump-lost-by-wipe': withPages('dump-flag-survives', {
    /** @param {Region} region @param {number} byteOffset @param {number} byteLength */
    zero(region, byteOffset, byteLength) {
      right.zero(region, byteOffset, byteLength);
      madvise(region.start, region.byteLength, MADVISE.DODUMP);
    },
  }),
  'dump-refusal-ignored': withMethods(
    'error-advice-refused',
    (base) =>
      class extends base {
        steps() {
          const steps = super.steps();
          return steps.map(
            ([name, step]) =>
              /** @type {(typeof steps)[number]} */ ([
                name,
                name === 'madvise' ? (region) => step(region) && 0 : step,
              ]),
          );
        }
      },
  ),
  'fork-none': withPages('fork-child', { excludeFromFork: () => 0 }),
  'fork-first-page': withPages('fork-child', {
    excludeFromFork: partly(MADVISE.DONTFORK, firstPage),
  }),
  'fork-first-page-flag': withPages('fork-flag', {
    excludeFromFork: partly(MADVISE.DONTFORK, firstPage),
  }),
  'fork-all-but-last': withPages('fork-child', {
    excludeFromFork: partly(MADVISE.DONTFORK, allButLast),
  }),
  'fork-zeroed': withPages('fork-child', {
    excludeFromFork: partly(MADVISE.WIPEONFORK, ({ start, byteLength }) => [start, byteLength]),
  }),
  'fork-lost-closed': withPages('fork-flag', lostAt(MADVISE.DOFORK, 'no-access')),
  'fork-lost-reopened': withPages('fork-child', lostAt(MADVISE.DOFORK, 'read-write')),
  'guard-missing-before': withPages('map-guards', {
    open: ({ base, byteLength }) => mprotect(base, PAGE + byteLength, 3),
  }),
  'guard-missing-after': withPages('map-guards', {
    open: ({ start, byteLength }) => mprotect(start, byteLength + PAGE, 3),
  }),
  'guard-readable': withPages('map-guards', {
    open(region) {
      mprotect(region.base, PAGE, 1);
      return right.open(region);
    },
  }),
  'guard-large-regions-only': withPages('map-guards', {
    open: (region) =>
      region.byteLength > PAGE ? right.open(region) : mprotect(region.base, region.total, 3),
  }),
  'guard-lost-by-protect': withPages('map-guards', {
    protect(region, protection) {
      const errno = right.protect(region, protection);
      if (protection === 'read-write') mprotect(region.base, region.total, 3);
      return errno;
    },
  }),
  'guard-lost-closed': withPages('map-guards', {
    protect(region, protection) {
      if (protection === 'read-only') mprotect(region.base, region.total, 1);
      return right.protect(region, protection);
    },
  }),
};
