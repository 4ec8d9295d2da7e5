import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { fetchRuntime, RUNTIMES } from '@securemem/runtimes';

/** Where the last full run left its table. */
export const tableFile = join(root, '.cache', 'installs', 'table.txt');

/** @type {readonly import('./project.mjs').Manager[]} */
const MANAGERS = ['npm', 'pnpm'];

/** @typedef {{ name: string, command: () => readonly string[] }} Runtime */

/** The Node that runs this, and nothing to fetch. @type {Runtime} */
export const ownNode = { name: `Node ${process.versions.node}`, command: () => [process.execPath] };

/** Those for the machine that runs this. @returns {readonly Runtime[]} */
function otherRuntimes() {
  const host = `${process.platform}-${process.arch}`;
  return RUNTIMES.filter(({ target }) => target === host).map(({ name, spec, program, after }) => ({
    name,
    command: () => [join(fetchRuntime(spec), program), ...after],
  }));
}

/**
 * What is tried: all of it in a full run, one package manager and the Node that is there otherwise.
 * @param {boolean} full
 */
export function matrix(full) {
  const others = full ? otherRuntimes() : [];
  return {
    managers: full ? MANAGERS : MANAGERS.slice(0, 1),
    runtimes: others.length > 0 ? others : [ownNode],
  };
}
