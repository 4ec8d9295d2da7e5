import { bytesAt, mprotect, munlock, PAGE } from '../libc.mjs';
import { right, withMethods, withPages } from './bug.mjs';

/** @typedef {import('./bug.mjs').Region} Region */
/** @typedef {import('./bug.mjs').RegionId} RegionId */

/** `unmap` that wipes a part only. @param {(region: Region) => number} bytesWiped */
const unmapWiping = (/** @type {(region: Region) => number} */ bytesWiped) =>
  withMethods(
    'unmap-wipes',
    (base) =>
      class extends base {
        /** @param {RegionId} id */
        unmap(id) {
          const region = this.find(id, 'unmap');
          const { zero } = this.pages;
          this.pages.zero = (target, byteOffset) =>
            zero.call(this.pages, target, byteOffset, bytesWiped(region));
          try {
            super.unmap(id);
          } finally {
            this.pages.zero = zero;
          }
        }
      },
  );

/** `dispose` that wipes a part only. @param {(region: Region) => number} bytesWiped */
const disposeWiping = (/** @type {(region: Region) => number} */ bytesWiped) =>
  withMethods(
    'dispose-releases',
    (base) =>
      class extends base {
        [Symbol.dispose]() {
          for (const region of this.regions.values()) right.zero(region, 0, bytesWiped(region));
          this.regions.forEach((region, id) => {
            if (bytesWiped(region) < region.byteLength) this.regions.delete(id);
          });
          super[Symbol.dispose]();
        }
      },
  );

/** @type {Record<string, import('./bug.mjs').Bug>} */
export const bytes = {
  'wipe-nothing': withPages('wipe-exact', { zero: () => undefined }),
  'wipe-one-byte-short': withPages('wipe-exact', {
    zero: (region, byteOffset, byteLength) =>
      right.zero(region, byteOffset, Math.max(0, byteLength - 1)),
  }),
  'wipe-later': withPages('wipe-exact', {
    zero: (region, byteOffset, byteLength) =>
      void setImmediate(() => right.zero(region, byteOffset, byteLength)),
  }),
  'wipe-not-when-closed': withPages('wipe-closed', {
    zero: (region, byteOffset, byteLength) => {
      if (region.protection !== 'no-access') right.zero(region, byteOffset, byteLength);
    },
  }),
  'unmap-wipes-nothing': unmapWiping(() => 0),
  'unmap-wipes-open-only': unmapWiping((region) =>
    region.protection === 'read-write' ? region.byteLength : 0,
  ),
  'unmap-wipes-read-only-not': unmapWiping((region) =>
    region.protection === 'read-only' ? 0 : region.byteLength,
  ),
  'unmap-wipes-first-page': unmapWiping(() => PAGE),
  'unmap-wipes-all-but-last-byte': unmapWiping((region) => region.byteLength - 1),
  'dispose-leaves-closed': disposeWiping((region) =>
    region.protection === 'no-access' ? 0 : region.byteLength,
  ),
  'dispose-wipes-first-page': disposeWiping(() => PAGE),
  'dispose-keeps-lock': withMethods(
    'dispose-releases',
    (base) =>
      class extends base {
        [Symbol.dispose]() {
          this.closed = true;
          for (const region of this.regions.values()) right.zero(region, 0, region.byteLength);
          this.regions.clear();
        }
      },
  ),
  'dispose-keeps-mapping': withMethods(
    'dispose-releases',
    (base) =>
      class extends base {
        [Symbol.dispose]() {
          this.closed = true;
          for (const region of this.regions.values()) {
            right.zero(region, 0, region.byteLength);
            munlock(region.start, region.byteLength);
            if (region.views > 0) right.protect(region, 'read-write');
          }
          this.regions.clear();
        }
      },
  ),
  'dispose-wipes-the-view-only': withMethods(
    'dispose-spares-views',
    (base) =>
      class extends base {
        [Symbol.dispose]() {
          for (const [id, region] of this.regions) {
            if (region.views === 0) continue;
            right.zero(region, 0, 64);
            this.regions.delete(id);
          }
          super[Symbol.dispose]();
        }
      },
  ),
  'copy-in-the-heap': withMethods('wipe-at-once', (base) => {
    /** @type {Uint8Array[]} */
    const kept = [];
    return class extends base {
      /** @param {RegionId} id @param {number} byteOffset @param {Uint8Array} source */
      write(id, byteOffset, source) {
        super.write(id, byteOffset, source);
        kept.push(Uint8Array.from(source));
      }
    };
  }),
  'copy-of-what-was-read': withMethods('wipe-at-once', (base) => {
    /** @type {Uint8Array[]} */
    const kept = [];
    return class extends base {
      /** @param {RegionId} id @param {number} byteOffset @param {Uint8Array} target */
      read(id, byteOffset, target) {
        super.read(id, byteOffset, target);
        kept.push(Uint8Array.from(target));
      }
    };
  }),
  'copy-of-what-was-viewed': withMethods('wipe-at-once', (base) => {
    /** @type {Uint8Array[]} */
    const kept = [];
    return class extends base {
      /** @param {RegionId} id @param {number} byteOffset @param {number} byteLength */
      openView(id, byteOffset, byteLength) {
        const view = super.openView(id, byteOffset, byteLength);
        kept.push(Uint8Array.from(view.bytes));
        return view;
      }
    };
  }),
  'read-leaves-open': withPages('protect-io', {
    onOpen(region, use) {
      right.protect(region, 'read-write');
      use(bytesAt(region.start, region.byteLength));
    },
  }),
  'throw-leaves-open': withMethods(
    'protect-io',
    (base) =>
      class extends base {
        /** @param {RegionId} id @param {number} byteOffset @param {Uint8Array} target */
        read(id, byteOffset, target) {
          const region = this.find(id, 'read');
          const { protection } = region;
          right.protect(region, 'read-write');
          super.read(id, byteOffset, target);
          right.protect(region, protection);
        }
      },
  ),
  'protect-first-page': withPages('protect-whole-region', {
    protect(region, protection) {
      region.protection = protection;
      return mprotect(
        region.start,
        PAGE,
        { 'no-access': 0, 'read-only': 1, 'read-write': 3 }[protection],
      );
    },
  }),
  'protect-executable': withPages('protect-whole-region', {
    protect(region, protection) {
      region.protection = protection;
      return mprotect(
        region.start,
        region.byteLength,
        { 'no-access': 0, 'read-only': 1, 'read-write': 7 }[protection],
      );
    },
  }),
  'map-executable': withPages('map-read-write', {
    open: ({ start, byteLength }) => mprotect(start, byteLength, 7),
  }),
  'write-goes-nowhere': withMethods(
    'map-keeps-bytes',
    (base) =>
      class extends base {
        write() {}
      },
  ),
  'write-goes-nowhere-lock': withMethods(
    'lock-whole-region',
    (base) =>
      class extends base {
        write() {}
      },
  ),
  'protect-refusal-ignored': withPages('error-protect-refused', {
    protect(region, protection) {
      right.protect(region, protection);
      region.protection = protection;
      return 0;
    },
  }),
};
