// Builds a harness with the native sources that map, for this machine: a program of its own, without Node.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHarness } from '../../scripts/harness.mjs';
import { NATIVE, ROOT, WITHOUT_NODE } from '../../scripts/targets.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const WRAPPED = ['mmap', 'munmap', 'mprotect', 'mremap', 'madvise'];

/**
 * @param {string} name of the program, in build/harness/
 * @param {readonly string[]} flags of the compiler, such as `-fsanitize=thread`
 * @returns {{ path: string } | { reason: string }} the program, or why there is none
 */
export function buildRangesHarness(name, flags) {
  const wraps = `-Wl,${WRAPPED.map((call) => `--wrap=${call}`).join(',')}`;
  return build(name, ['ranges_harness.cc', 'owned_ranges.cc'], [...flags, wraps]);
}

/** The same for `gate_harness.cc`. @param {string} name @param {readonly string[]} flags */
export function buildGateHarness(name, flags) {
  return build(name, ['gate_harness.cc'], flags);
}

/** @param {string} name @param {readonly string[]} own @param {readonly string[]} flags */
function build(name, own, flags) {
  const sources = [
    ...own.map((file) => join(HERE, file)),
    ...WITHOUT_NODE.map((file) => join(NATIVE, file)),
  ];
  return buildHarness(ROOT, name, sources, flags);
}
