// Builds programs for this machine from native sources and none of Node. Tests and sanitizers run them.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Builds a program. Throws with what the compiler says where the sources do not build: only a compiler that is not there is a reason to
 * prove nothing.
 * @param {string} directory of the package; the program lies in its build/harness/
 * @param {string} name
 * @param {readonly string[]} sources as paths
 * @param {readonly string[]} flags of the compiler and the linker
 * @returns {{ path: string } | { reason: string }} the program, or why there is none
 */
export function buildHarness(directory, name, sources, flags) {
  if (process.platform !== 'linux') return { reason: 'the harness is for Linux' };
  const path = join(directory, 'build', 'harness', name);
  mkdirSync(dirname(path), { recursive: true });
  const args = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', ...sources, ...flags];
  const built = spawnSync('g++', [...args, '-pthread', '-ldl', '-o', path], { encoding: 'utf8' });
  if (built.status === 0) return { path };
  if (built.error !== undefined)
    return { reason: `no compiler for the harness (${built.error.message})` };
  throw new Error(`the harness ${name} does not build\n${built.stderr.trim()}`);
}
