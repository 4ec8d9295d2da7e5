// Builds a harness with the native sources that map, for this machine: a program of its own, without Node.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOST, NATIVE, ROOT, TARGETS } from '../../scripts/targets.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const WRAPPED = ['mmap', 'munmap', 'mprotect', 'mremap', 'madvise'];
/** What maps and looks after what is mapped. The rest is Node-API, what calculates, and stand-ins for a C++ library. */
const MAPPING = /^(pages|reservation|limits|proc|region_table|gate)/;

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

/**
 * @param {string} name @param {readonly string[]} own @param {readonly string[]} flags
 * @returns {{ path: string } | { reason: string }}
 */
function build(name, own, flags) {
  if (process.platform !== 'linux') return { reason: 'the harness is for Linux' };
  const native = TARGETS[HOST].sources.filter((file) => MAPPING.test(file));
  const sources = [
    ...own.map((file) => join(HERE, file)),
    ...native.map((file) => join(NATIVE, file)),
  ];
  const path = join(ROOT, 'build', 'harness', name);
  mkdirSync(dirname(path), { recursive: true });
  const args = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', ...sources, ...flags];
  const built = spawnSync('g++', [...args, '-pthread', '-o', path], { encoding: 'utf8' });
  if (built.status === 0) return { path };
  return { reason: `no compiler for the harness (${built.error?.message ?? built.stderr.trim()})` };
}
