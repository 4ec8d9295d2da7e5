import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { confinedWords, directions } from './directions.mjs';

/**
 * Every place where `files` break a direction, as one line each.
 * @param {string} root @param {readonly string[]} files paths from the root, with forward slashes
 */
export function brokenDirections(root, files) {
  const manifests = new Map();
  return files
    .filter((file) => /\.(ts|mts|cts|mjs|cjs|js|tsx)$/.test(file) && !/\.d\.[mc]?ts$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return [...judgeImports(root, file, text, manifests), ...judgeWords(file, text)];
    });
}

/** @param {string} root @param {string} file @param {string} text @param {Map<string, Manifest>} manifests */
function judgeImports(root, file, text, manifests) {
  const direction = directions.find(({ files }) => files.test(file));
  if (direction === undefined) return [];
  const home = packageDirectory(root, file);
  const manifest = manifests.get(home) ?? readManifest(root, home);
  manifests.set(home, manifest);
  const published = /^packages\/[^/]+\/src\//.test(file);
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => !allowed(name, { file, home, direction, manifest, published }))
    .map((name) => `${file} must not import ${name}: ${direction.because}`);
}

/**
 * @typedef {{ name: string, runtime: Set<string>, development: Set<string> }} Manifest
 * @param {string} name
 * @param {{ file: string, home: string, direction: import('./directions.mjs').Direction, manifest: Manifest, published: boolean }} from
 */
function allowed(name, { file, home, direction, manifest, published }) {
  if (name.startsWith('.')) {
    const target = posix.join(posix.dirname(file), name);
    return target.startsWith(`${direction.within ?? home}/`);
  }
  const bundled = packageName(name);
  if (direction.bundles?.includes(bundled)) return manifest.development.has(bundled);
  if (direction.may !== 'declared') {
    const listed = direction.may.some((pattern) => matches(pattern, name));
    if (!listed) return false;
  }
  if (name.startsWith('node:')) return true;
  if (builtinModules.includes(name)) return false;
  const bare = packageName(name);
  if (bare === manifest.name || manifest.runtime.has(bare)) return true;
  return !published && manifest.development.has(bare);
}

/** @param {string} pattern @param {string} name */
function matches(pattern, name) {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** @param {string} name */
function packageName(name) {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @param {string} root @param {string} file */
function packageDirectory(root, file) {
  let directory = dirname(file);
  while (directory !== '.' && !existsSync(join(root, directory, 'package.json'))) {
    directory = dirname(directory);
  }
  return directory;
}

/** Tools of the whole workspace are declared at the root, so tests anywhere may use them.
 *  @param {string} root @param {string} home @returns {Manifest} */
function readManifest(root, home) {
  const own = JSON.parse(readFileSync(join(root, home, 'package.json'), 'utf8'));
  const shared = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    name: own.name,
    runtime: new Set(
      Object.keys({ ...own.dependencies, ...own.peerDependencies, ...own.optionalDependencies }),
    ),
    development: new Set(Object.keys({ ...own.devDependencies, ...shared.devDependencies })),
  };
}

/** @param {string} file @param {string} text */
function judgeWords(file, text) {
  return confinedWords
    .filter(({ pattern, files, except }) => {
      return files.test(file) && !except.test(file) && pattern.test(text);
    })
    .map(
      ({ pattern, because }) => `${file} must not contain ${text.match(pattern)?.[0]}: ${because}`,
    );
}
