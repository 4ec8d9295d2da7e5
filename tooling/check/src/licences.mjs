import { readFileSync, realpathSync } from 'node:fs';
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
  for (const [dependency, licence] of dependenciesOf(manifest, home)) {
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
    const text = [...files.keys()].find((path) => path.startsWith(`${vendored}/LICENSE`));
    if (text === undefined) problems.push(`${name}: ${vendored} has no text of its licence`);
  }
  return problems;
}

/**
 * Third-party packages that an install brings along, with their licences.
 * @param {{ dependencies?: object, optionalDependencies?: object }} manifest @param {string} home
 * @param {Map<string, string>} [found] @returns {Map<string, string>}
 */
function dependenciesOf(manifest, home, found = new Map()) {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  for (const name of names) {
    if (OURS.test(name) || found.has(name)) continue;
    const file = manifestFile(name, home);
    // One that is for another platform only is not installed here.
    if (file === undefined) continue;
    const content = JSON.parse(readFileSync(file, 'utf8'));
    found.set(name, String(content.license));
    dependenciesOf(content, dirname(file), found);
  }
  return found;
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
