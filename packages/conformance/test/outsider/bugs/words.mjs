import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { setLockLimit } from '../libc.mjs';
import { lockLimits } from '../proc.mjs';
import { right, withMethods, withPages } from './bug.mjs';

/** @typedef {import('./bug.mjs').Base} Base */
/** @typedef {import('./bug.mjs').Region} Region */
/** @typedef {import('./bug.mjs').RegionId} RegionId */

/** A descriptor that nobody closes, at every call of a method. @param {string} owner @param {string} method */
function leaking(owner, method) {
  return withMethods(owner, (base) => {
    const changed = class extends base {};
    const usual = /** @type {any} */ (base.prototype)[method];
    Object.assign(changed.prototype, {
      /** @param {any[]} args */
      [method](...args) {
        openSync('/proc/self/status', 'r');
        return usual.apply(this, args);
      },
    });
    return changed;
  });
}

/** Changes an error of `map` or `protect`. @param {string} owner @param {(error: any, region: Region | undefined) => void} change */
function tellingOf(owner, change) {
  return withMethods(
    owner,
    (base) =>
      class extends base {
        /** @param {number} byteLength */
        map(byteLength) {
          /** @type {Region | undefined} */
          let seen;
          const { open } = this.pages;
          this.pages.open = (region) => {
            seen = region;
            return open.call(this.pages, region);
          };
          try {
            return super.map(byteLength);
          } catch (error) {
            if (seen !== undefined) change(error, seen);
            throw error;
          } finally {
            this.pages.open = open;
          }
        }
      },
  );
}

const prctl = koffi
  .load(null)
  .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
const PR_SET_DUMPABLE = 4;

/** Errors, descriptors, answers, and what a backend does to the process. @type {Record<string, import('./bug.mjs').Bug>} */
export const words = {
  'address-in-refused-protect': withMethods(
    'error-discreet',
    (base) =>
      class extends base {
        /** @param {RegionId} id @param {Region['protection']} protection */
        protect(id, protection) {
          const region = this.find(id, 'protect');
          try {
            super.protect(id, protection);
          } catch (error) {
            /** @type {Error} */ (error).message += ` of 0x${region.start.toString(16)}`;
            throw error;
          }
        }
      },
  ),
  'address-in-details-of-map': tellingOf('error-discreet', (error, region) => {
    error.details = { ...error.details, at: region?.start };
  }),
  'address-in-cause-of-map': tellingOf('error-discreet', (error, region) => {
    error.cause = new Error(`mlock(${region?.start})`);
  }),
  'address-in-syscall-of-map': tellingOf('error-discreet', (error, region) => {
    error.syscall = `mlock(${(region?.start ?? 0).toString(16)})`;
  }),
  'address-in-refused-unmap': withMethods(
    'error-discreet',
    (base) =>
      class extends base {
        /** @param {RegionId} id */
        unmap(id) {
          const region = this.find(id, 'unmap');
          try {
            super.unmap(id);
          } catch (error) {
            /** @type {any} */ (error).details = { start: `${BigInt(region.base)}` };
            throw error;
          }
        }
      },
  ),
  'no-backend-in-error-of-map': tellingOf('error-shape', (error) => {
    error.backend = undefined;
  }),
  'no-operation-in-error-of-map': tellingOf('error-shape', (error) => {
    error.operation = 'mlock';
  }),
  'wrong-kind-of-capacity': tellingOf('error-shape', (error) => {
    error.kind = 'platform';
  }),
  'no-errno-of-refused-protect': withMethods(
    'error-protect-refused',
    (base) =>
      class extends base {
        /** @param {RegionId} id @param {Region['protection']} protection */
        protect(id, protection) {
          try {
            super.protect(id, protection);
          } catch (error) {
            /** @type {any} */ (error).errno = undefined;
            throw error;
          }
        }
      },
  ),
  'leaks-inspect': leaking('calls-leave-nothing', 'inspect'),
  'leaks-lock-limit': leaking('calls-leave-nothing', 'lockLimit'),
  'leaks-raise': leaking('calls-leave-nothing', 'raiseLockLimit'),
  'leaks-figure': leaking('calls-leave-nothing', 'lockedByteLength'),
  'leaks-read': leaking('calls-leave-nothing', 'read'),
  'leaks-wipe': leaking('calls-leave-nothing', 'wipe'),
  'leaks-protect': leaking('calls-leave-nothing', 'protect'),
  'leaks-view': leaking('calls-leave-nothing', 'openView'),
  'leaks-seal': leaking('calls-leave-nothing', 'seal'),
  'leaks-refused-map': withMethods(
    'calls-leave-nothing',
    (base) =>
      class extends base {
        /** @param {number} byteLength */
        map(byteLength) {
          const descriptor = openSync('/proc/self/status', 'r');
          const region = super.map(byteLength);
          closeSync(descriptor);
          return region;
        }
      },
  ),
  'leaks-open': withMethods(
    'opening-leaves-nothing',
    (base) =>
      class extends base {
        descriptor = openSync('/proc/self/status', 'r');
      },
  ),
  'opens-raise-the-limit': withMethods(
    'opening-changes-nothing',
    (base) =>
      class extends base {
        constructor() {
          super();
          const { soft, hard } = lockLimits();
          if (soft < hard) setLockLimit(hard, hard);
          else setLockLimit(soft === Number.POSITIVE_INFINITY ? 2 ** 40 : soft - 4096, hard);
        }
      },
  ),
  'opens-not-dumpable': withMethods(
    'dump-core-file',
    (base) =>
      class extends base {
        constructor() {
          super();
          prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        }
      },
  ),
  'opens-with-listeners': withMethods(
    'opening-changes-nothing',
    (base) =>
      class extends base {
        constructor() {
          super();
          process.on('exit', () => this[Symbol.dispose]());
        }
      },
  ),
  'inspect-notes': withMethods(
    'inspect-asks',
    (base) =>
      class extends base {
        /** @type {InstanceType<Base>['factsOf']} */
        factsOf({ byteLength, protection }) {
          return {
            lockedByteLength: byteLength,
            protection,
            guarded: true,
            dumpExcluded: true,
            forkBehaviour: 'absent',
          };
        }
      },
  ),
  'inspect-dump-from-notes': withMethods(
    'inspect-asks',
    (base) =>
      class extends base {
        /** @type {InstanceType<Base>['factsOf']} */
        factsOf(region, all) {
          return { ...super.factsOf(region, all), dumpExcluded: true };
        }
      },
  ),
  'inspect-fork-from-notes': withMethods(
    'inspect-asks',
    (base) =>
      class extends base {
        /** @type {InstanceType<Base>['factsOf']} */
        factsOf(region, all) {
          return { ...super.factsOf(region, all), forkBehaviour: 'absent' };
        }
      },
  ),
  'inspect-guards-from-notes': withMethods(
    'inspect-asks',
    (base) =>
      class extends base {
        /** @type {InstanceType<Base>['factsOf']} */
        factsOf(region, all) {
          return { ...super.factsOf(region, all), guarded: true };
        }
      },
  ),
  'inspect-first-page': withMethods(
    'inspect-asks',
    (base) =>
      class extends base {
        /** The lock of the first page stands for all. @type {InstanceType<Base>['factsOf']} */
        factsOf(region, all) {
          const facts = super.factsOf(region, all);
          const first = all.find(({ start, end }) => start <= region.start && region.start < end);
          return { ...facts, lockedByteLength: (first?.locked ?? 0) > 0 ? region.byteLength : 0 };
        }
      },
  ),
  'inspect-opens': withMethods(
    'inspect-true',
    (base) =>
      class extends base {
        /** @param {readonly RegionId[]} ids */
        inspect(ids) {
          for (const id of ids) right.protect(this.find(id, 'inspect'), 'read-write');
          return super.inspect(ids);
        }
      },
  ),
  'hangs-in-wipe': withPages('wipe-exact', {
    zero() {
      for (;;);
    },
  }),
  'hangs-in-a-child': withMethods(
    'limit-bites',
    (base) =>
      class extends base {
        /** Waits for room that nobody will make. @param {number} byteLength */
        map(byteLength) {
          for (;;) {
            try {
              return super.map(byteLength);
            } catch (error) {
              if (/** @type {any} */ (error).code !== 'ERR_SECMEM_LOCK_LIMIT') throw error;
            }
          }
        }
      },
  ),
};
