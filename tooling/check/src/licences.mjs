import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { manifestOf } from './tarball.mjs';

/** The file in which a package lists what it brings along that is not ours. */
const NOTICES = 'THIRD-PARTY-NOTICES.md';

/** Scopes and names of our own packages: each of them has a list of its own. */
const OURS = /^(@securemem\/|securemem$)/;

/**
 * One line for each thing that a package ships, or has installed, whose licence it does not state: its own, what it depends
 * on (all the way down), and what was copied into it under `vendor/`.
 *
 * @param {ReadonlyMap<string, Buffer>} files of its tarball
 * @param {string} home its directory, from which dependencies are found
 */
export function licenceProblems(files, home) {
  const manifest = manifestOf(files);
  const { name } = manifest;
  const rows = rowsOf(String(files.get(NOTICES) ?? ''));
  const problems = [];
  if (!files.has('LICENSE')) problems.push(`${name} ships no LICENSE`);
  for (const { name: dependency, license: licence } of installedDependencies(manifest, home)) {
    const stated = rows.find((row) => matches(row.what, dependency))?.licence;
    if (stated === undefined) problems.push(`${name}: ${NOTICES} does not list ${dependency}`);
    else if (stated !== licence) {
      problems.push(`${name}: ${dependency} is under ${licence}, and ${NOTICES} says ${stated}`);
    }
  }
  for (const vendored of vendoredIn(files)) {
    if (!rows.some(({ what, how }) => [what, how].some((text) => text.includes(vendored)))) {
      problems.push(`${name}: ${NOTICES} does not list ${vendored}`);
    }
    const names = [`${vendored}/LICENSE`, `${vendored}/COPYING`];
    const text = [...files.keys()].find((path) => names.some((name) => path.startsWith(name)));
    if (text === undefined) problems.push(`${name}: ${vendored} has no text of its licence`);
  }
  return problems;
}

/** @typedef {{ name: string, version: string, license: string }} Part */

/**
 * Packages that an install brings along, all the way down.
 * @param {{ dependencies?: object, optionalDependencies?: object }} manifest @param {string} home its directory
 * @param {{ ours?: boolean, found?: Map<string, Part> }} [options] whether our own packages count
 * @returns {Part[]}
 */
export function installedDependencies(manifest, home, { ours = false, found = new Map() } = {}) {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  for (const name of names) {
    if ((OURS.test(name) && !ours) || found.has(name)) continue;
    const file = manifestFile(name, home);
    // One that is for another platform only is not installed here.
    if (file === undefined) continue;
    const content = JSON.parse(readFileSync(file, 'utf8'));
    found.set(name, { name, version: content.version, license: String(content.license) });
    installedDependencies(content, dirname(file), { ours, found });
  }
  return [...found.values()];
}

/**
 * What a package has in itself that is not ours, by its own list. @param {string} home its directory
 * @returns {Part[]} a version is empty where the list names none
 */
export function vendoredParts(home) {
  const file = join(home, NOTICES);
  if (!existsSync(file)) return [];
  return rowsOf(readFileSync(file, 'utf8'))
    .filter(({ how }) => /compiled into|linked into/.test(how))
    .map(({ what, licence }) => {
      const [, name = what, version = ''] = /^(.*?)(?: (\d[\d.]*))?$/.exec(what) ?? [];
      return { name, version: version || versionOf(name, home), license: licence };
    });
}

/** @param {string} name @param {string} home */
function versionOf(name, home) {
  const file = manifestFile(name, home);
  return file === undefined ? '' : JSON.parse(readFileSync(file, 'utf8')).version;
}

/** @param {string} name @param {string} home */
function manifestFile(name, home) {
  const paths = createRequire(join(realpathSync(home), 'package.json')).resolve.paths(name) ?? [];
  for (const path of paths) {
    try {
      return realpathSync(join(path, name, 'package.json'));
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/** @param {ReadonlyMap<string, Buffer>} files */
function vendoredIn(files) {
  const directories = [...files.keys()].map(
    (path) => path.match(/^(?:.*\/)?vendor\/[^/]+(?=\/)/)?.[0],
  );
  return new Set(directories.filter((directory) => directory !== undefined));
}

/** The rows of the table: what, licence, how it is here. @param {string} text */
function rowsOf(text) {
  return [...text.matchAll(/^\| *([^|]+?) *\| *([^|]+?) *\| *([^|]+?) *\|$/gm)].map(
    ([, what = '', licence = '', how = '']) => ({ what: what.replaceAll('`', ''), licence, how }),
  );
}

/** A name in the table may end in `*`. @param {string} pattern @param {string} name */
function matches(pattern, name) {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
