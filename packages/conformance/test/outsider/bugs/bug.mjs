import { Pages } from '../pages.mjs';

/**
 * A bug: one step that an author got wrong, and the requirement that must say so.
 *
 * @typedef {typeof import('../outsider.mjs').Outsider} Base
 * @typedef {import('../pages.mjs').Region} Region
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 * @typedef {{ owner: string, change: (base: Base) => Base }} Bug
 */

/** The same backend on pages with other steps. @param {string} owner @param {Partial<Pages>} steps @returns {Bug} */
export function withPages(owner, steps) {
  return {
    owner,
    change: (base) =>
      class extends base {
        pages = Object.assign(new Pages(), steps);
      },
  };
}

/** Another method of the same backend. @param {string} owner @param {(base: Base) => Base} change @returns {Bug} */
export const withMethods = (owner, change) => ({ owner, change });

/** Pages as they should be, for bugs that begin with the right step. */
export const right = new Pages();
