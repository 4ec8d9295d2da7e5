import { linuxNode, RUNTIMES } from './runtimes.mjs';

/**
 * `node:ffi` is experimental, so any minor release may change what a backend on it stands on: the suite is run on each of
 * them. The last patch of every Node 26 that npm has; there was no 26.11.
 *
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 */

/** From 26.1 to 26.8 it is behind a flag, which the children of the suite have to be told as well. */
const FLAG = { NODE_OPTIONS: '--experimental-ffi' };

/** @param {string} version @param {Readonly<Record<string, string>>} [environment] @returns {Runtime} */
function minor(version, environment = {}) {
  const [, number] = version.split('.');
  return { ...linuxNode(`26.${number}`, version), environment };
}

/** The one that the other table has as well, with its result. */
const SHARED = RUNTIMES.filter(({ id }) => id === 'node26');

/** @type {readonly Runtime[]} */
export const MINORS = [
  minor('26.0.0'),
  ...['26.1.0', '26.2.0', '26.3.1', '26.4.0', '26.5.1', '26.6.0', '26.7.0', '26.8.2'].map(
    (version) => minor(version, FLAG),
  ),
  minor('26.9.0'),
  minor('26.10.0'),
  ...SHARED,
];

/** What is run on them. */
export const BACKENDS_OF_MINORS = ['ffi'];
