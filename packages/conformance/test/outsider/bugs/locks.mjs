import { mlock, mlockOnFault, munlock, PAGE, setLockLimit } from '../libc.mjs';
import { lockLimits } from '../proc.mjs';
import { right, withMethods, withPages } from './bug.mjs';

/** @typedef {import('./bug.mjs').Region} Region */

/** @type {Record<string, import('./bug.mjs').Bug>} */
export const locks = {
  'lock-none': withPages('lock-whole-region', { lock: () => 0 }),
  'lock-first-page': withPages('lock-whole-region', { lock: ({ start }) => mlock(start, PAGE) }),
  'lock-one-page-short': withPages('lock-whole-region', {
    lock: ({ start, byteLength }) => mlock(start, Math.max(PAGE, byteLength - PAGE)),
  }),
  'lock-sixteen-pages': withPages('lock-whole-region', {
    lock: ({ start, byteLength }) => mlock(start, Math.min(byteLength, 16 * PAGE)),
  }),
  'lock-on-fault': withPages('lock-whole-region', {
    lock: ({ start, byteLength }) => mlockOnFault(start, byteLength),
  }),
  'lock-lost-closed': withPages('lock-survives-protect', {
    protect(region, protection) {
      if (protection === 'no-access') munlock(region.start, region.byteLength);
      return right.protect(region, protection);
    },
  }),
  'lock-lost-last-page': withPages('lock-survives-protect', {
    protect(region, protection) {
      munlock(region.start + region.byteLength - PAGE, PAGE);
      return right.protect(region, protection);
    },
  }),
  'lock-refusal-ignored': withPages('limit-bites', { lock: (region) => right.lock(region) && 0 }),
  'lock-denied-ignored': withPages('error-lock-denied', {
    lock: (region) => (right.lock(region) === 1 ? 0 : 0),
  }),
  'lock-kept': withPages('lock-released', { release: () => 0 }),
  'lock-released-later': withPages('lock-released', {
    release(region) {
      setImmediate(() => right.release(region));
      return 0;
    },
  }),
  'lock-figure-own': withMethods(
    'lock-figure',
    (base) =>
      class extends base {
        lockedByteLength() {
          this.requireOpen('lockedByteLength');
          return [...this.regions.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
        }
      },
  ),
  'limit-hard': withMethods(
    'limit-in-force',
    (base) =>
      class extends base {
        lockLimit() {
          const limit = super.lockLimit();
          return limit.kind === 'bytes' ? { ...limit, byteLength: lockLimits().hard } : limit;
        }
      },
  ),
  'limit-cached': withMethods('limit-in-force', (base) => {
    /** @type {ReturnType<InstanceType<typeof base>['lockLimit']> | undefined} */
    let known;
    return class extends base {
      lockLimit() {
        this.requireOpen('lockLimit');
        known ??= super.lockLimit();
        return known;
      }
    };
  }),
  'limit-raise-takes-the-hard-one': withMethods(
    'limit-raise',
    (base) =>
      class extends base {
        /** @param {number} byteLength */
        raiseLockLimit(byteLength) {
          const limit = super.raiseLockLimit(byteLength);
          if (limit.kind === 'bytes') setLockLimit(limit.byteLength, limit.byteLength);
          return limit;
        }
      },
  ),
  'limit-leaks-when-it-fails': withMethods(
    'limit-failure-leaves-nothing',
    (base) =>
      class extends base {
        pages = Object.assign(new /** @type {any} */ (right.constructor)(), {
          release: (/** @type {Region} */ region) => {
            const live = [...this.regions.values()].includes(region);
            return live ? right.release(region) : 0;
          },
        });
      },
  ),
  'limit-zero-is-denied': withMethods(
    'limit-zero',
    (base) =>
      class extends base {
        /** @param {number} byteLength */
        map(byteLength) {
          try {
            return super.map(byteLength);
          } catch (error) {
            const zero = lockLimits().soft === 0;
            if (zero)
              Object.assign(/** @type {object} */ (error), {
                code: 'ERR_SECMEM_DENIED',
                kind: 'platform',
              });
            throw error;
          }
        }
      },
  ),
};
