import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '@securemem/launch/workspace';
import { packagesOf } from './packages.mjs';

/** Beside the binaries, in the form of sha256sum(1): `sha256sum --check SHA256SUMS`. */
export const SUMS = 'prebuilds/SHA256SUMS';

/** @param {Uint8Array} bytes */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Binaries of a package, as paths below its `prebuilds`. @param {string} directory of the package @returns {string[]} */
export function binariesOf(directory) {
  const folder = join(directory, 'prebuilds');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.node'))
    .sort();
}

/** The hashes of the binaries in a folder of prebuilds. @param {string} directory of the package */
export function sumsOf(directory) {
  const lines = binariesOf(directory).map((path) => {
    const bytes = readFileSync(join(directory, 'prebuilds', path));
    return `${sha256(bytes)}  ${path}\n`;
  });
  return lines.join('');
}

/**
 * What is wrong with the hashes in a tarball: each binary has one line, and its bytes are those.
 * @param {ReadonlyMap<string, Uint8Array>} files @returns {string[]}
 */
export function sumProblems(files) {
  const binaries = [...files.keys()].filter((path) => /^prebuilds\/.*\.node$/.test(path)).sort();
  if (binaries.length === 0) return [];
  const listed = Buffer.from(files.get(SUMS) ?? '').toString('utf8');
  const expected = binaries.map((path) => {
    const bytes = /** @type {Uint8Array} */ (files.get(path));
    return `${sha256(bytes)}  ${path.slice('prebuilds/'.length)}\n`;
  });
  if (listed === expected.join('')) return [];
  return [`${SUMS} is not what its binaries hash to; run \`npm run release\`, which writes it`];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { directory, manifest } of packagesOf(root)) {
    const sums = sumsOf(directory);
    if (!manifest.private && sums !== '') writeFileSync(join(directory, SUMS), sums);
  }
}
