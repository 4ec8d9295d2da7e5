import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runPnpm } from './workspace.mjs';

const stampFile = join(root, 'node_modules/.installed-from');
/** Left by `npm install`, which prunes what pnpm had linked: nothing below node_modules can be trusted then. */
const npmTrace = join(root, 'node_modules/.package-lock.json');

/** Installs the dependencies of every package from the lockfile, unless that was done already. */
export function install() {
  const wanted = fingerprint(root);
  if (existsSync(npmTrace)) rmSync(join(root, 'node_modules'), { recursive: true, force: true });
  else if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  process.stderr.write('installing dependencies…\n');
  runPnpm(['install', '--frozen-lockfile', '--prefer-offline']);
  writeFileSync(stampFile, wanted);
}

/** Everything an install depends on: the lockfile, and the manifests that must agree with it.
 *  @param {string} directory the root of a workspace */
export function fingerprint(directory) {
  const hash = createHash('sha256');
  const own = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  for (const file of [...own, ...manifests(directory)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(directory, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} directory */
function manifests(directory) {
  return ['packages', 'apps', 'tooling']
    .flatMap((group) => readdirSync(join(directory, group)).map((name) => `${group}/${name}`))
    .map((name) => `${name}/package.json`)
    .filter((file) => existsSync(join(directory, file)))
    .sort();
}
