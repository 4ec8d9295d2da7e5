import { gunzipSync } from 'node:zlib';

const BLOCK_BYTE_LENGTH = 512;
const REGULAR_FILE = ['0', '\0'];

/**
 * The files of an npm tarball by their path in the package, without the leading `package/`.
 * @param {Uint8Array} bytes @returns {Map<string, Buffer>}
 */
export function filesOf(bytes) {
  const tar = gunzipSync(bytes);
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (let at = 0; at + BLOCK_BYTE_LENGTH <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK_BYTE_LENGTH);
    if (header[0] === 0) break;
    const byteLength = Number.parseInt(text(header, 124, 12), 8);
    const prefix = text(header, 345, 155);
    const path = `${prefix === '' ? '' : `${prefix}/`}${text(header, 0, 100)}`;
    const from = at + BLOCK_BYTE_LENGTH;
    if (REGULAR_FILE.includes(String.fromCharCode(header[156] ?? 0))) {
      files.set(path.replace(/^[^/]+\//, ''), tar.subarray(from, from + byteLength));
    }
    at = from + Math.ceil(byteLength / BLOCK_BYTE_LENGTH) * BLOCK_BYTE_LENGTH;
  }
  return files;
}

/** @param {Buffer} header @param {number} at @param {number} byteLength */
function text(header, at, byteLength) {
  return header
    .subarray(at, at + byteLength)
    .toString('utf8')
    .replace(/\0.*$/s, '')
    .trim();
}

/**
 * What a build from a fresh clone would have put there: everything outside `dist`, and in `dist` what the entry points
 * lead to, with its source maps. Chunks of earlier builds stay behind on a developer's machine and are nobody's size.
 * @param {ReadonlyMap<string, Buffer>} files
 */
export function freshFiles(files) {
  const named = JSON.stringify(manifestOf(files)).match(/\bdist\/[\w./-]+/g) ?? [];
  const reached = new Set([...files.keys()].filter((path) => !path.startsWith('dist/')));
  const open = named.filter((path) => files.has(path));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const content = String(files.get(path));
    for (const [, name = ''] of content.matchAll(/["'`]\.\/([\w.-]+)["'`]/g)) {
      open.push(...declared(name).filter((found) => files.has(found)));
    }
    if (files.has(`${path}.map`)) reached.add(`${path}.map`);
    open.push(...declared(path.slice('dist/'.length)).filter((found) => files.has(found)));
  }
  return new Map([...files].filter(([path]) => reached.has(path)));
}

/** A module and its declarations. @param {string} name within `dist` */
function declared(name) {
  const types = name.replace(/\.([cm]?)js$/, '.d.$1ts');
  return [`dist/${name}`, `dist/${types}`];
}

/** @param {ReadonlyMap<string, Buffer>} files */
export function manifestOf(files) {
  return JSON.parse(String(files.get('package.json')));
}
