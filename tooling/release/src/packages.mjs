import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ directory: string, manifest: any }} Package */

/** The packages of a workspace that are published, and those that are taken into them. @param {string} root
 *  @returns {Package[]} */
export function packagesOf(root) {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((directory) => existsSync(join(directory, 'package.json')))
    .map((directory) => ({ directory, manifest: manifestIn(directory) }));
}

/** @param {string} directory */
export function manifestIn(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

/** @param {Package} one */
export function writeManifest({ directory, manifest }) {
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Peers of a package that are ours. @param {any} manifest @returns {string[]} */
export function ownPeers({ peerDependencies = {} }) {
  return Object.keys(peerDependencies).filter((name) => name.startsWith('@securemem/'));
}
