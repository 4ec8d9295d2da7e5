import { closeSync, openSync, readSync } from 'node:fs';
import * as libc from './libc.mjs';
import { PAGE } from './libc.mjs';
import { Pages } from './pages.mjs';

/** @typedef {typeof import('./outsider.mjs').Outsider} Base */

const GUARD_MARKER = 58n;

/** @param {number} address */
function hasGuardMarker(address) {
  const entry = Buffer.alloc(8);
  const descriptor = openSync('/proc/self/pagemap', 'r');
  readSync(descriptor, entry, 0, 8, (address / PAGE) * 8);
  closeSync(descriptor);
  return ((entry.readBigUInt64LE() >> GUARD_MARKER) & 1n) === 1n;
}

/** Ways that differ from the usual one and keep every promise. @type {Record<string, (base: Base) => Base>} */
export const variants = {
  /** Guards by the kernel's own guard markers: the pages are read-write on paper and kill all the same. */
  'guard-install': (base) =>
    class extends base {
      pages = new (class extends Pages {
        /** @param {number} byteLength */
        reserve(byteLength) {
          const made = super.reserve(byteLength);
          if (made.region === undefined) return made;
          const { base: first, total } = made.region;
          libc.mprotect(first, total, libc.READ | libc.WRITE);
          for (const guard of [first, first + total - PAGE]) {
            if (libc.madvise(guard, PAGE, libc.MADVISE.GUARD_INSTALL) !== 0)
              throw new Error('no guard markers');
          }
          return made;
        }
      })();

      /** The kernel tells of its markers page by page. @type {InstanceType<Base>['factsOf']} */
      factsOf(region, all) {
        const guarded = [region.base, region.base + region.total - PAGE].every(hasGuardMarker);
        return { ...super.factsOf(region, all), guarded };
      }
    },

  /** Every second page is a mapping of its own, by an advice that means nothing to anybody. */
  'split-mapping': (base) =>
    class extends base {
      /** @returns {ReturnType<InstanceType<Base>['steps']>} */
      steps() {
        const steps = super.steps();
        return [
          ...steps,
          [
            'madvise',
            ({ start, byteLength }) => {
              for (let at = PAGE; at < byteLength; at += 2 * PAGE)
                libc.madvise(start + at, PAGE, libc.MADVISE.RANDOM);
              return 0;
            },
          ],
        ];
      }
    },
};
