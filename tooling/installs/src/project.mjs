import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { runProgram } from './program.mjs';

/** No registry: a gap in what was shown, and no fault of the packages. */
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b/;

/** Thrown when the registry that holds what our packages depend on did not answer. */
export class NoRegistry extends Error {}

/** The pnpm that the workspace pins, without the digest. */
export function pinnedPnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return String(packageManager).split('+')[0] ?? '';
}

/**
 * @typedef {'npm' | 'pnpm'} Manager
 *
 * @typedef {object} Wish
 * @property {string} directory made here, and empty until then
 * @property {Manager} manager
 * @property {Readonly<Record<string, string>>} dependencies by name: a version or the path of a tarball
 * @property {Readonly<Record<string, string>>} [overrides] what dependencies of ours that are not published yet resolve to
 * @property {NodeJS.ProcessEnv} env
 */

/** An empty project, and one install. @param {Wish} wish */
export async function makeProject({ directory, manager, dependencies, overrides = {}, env }) {
  mkdirSync(directory, { recursive: true });
  const specs = Object.entries(dependencies).map(([name, spec]) => [name, locator(spec)]);
  const manifest = {
    name: 'project',
    version: '1.0.0',
    private: true,
    dependencies: Object.fromEntries(specs),
    ...(manager === 'pnpm' ? { pnpm: { overrides: mapValues(overrides, locator) } } : {}),
  };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
  const [command = '', ...args] = manager === 'npm' ? ['npm'] : ['npx', '-y', pinnedPnpm()];
  await install(command, [...args, 'install', '--ignore-scripts'], { cwd: directory, env });
}

/**
 * What it said. Throws `NoRegistry` when that is why it failed.
 * @param {string} command @param {readonly string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 */
export async function install(command, args, options) {
  const { end, stdout, stderr } = await runProgram(command, args, options);
  if (end === 0) return { stdout, stderr };
  const said = `${command} ${args.join(' ')} ended with ${end}\n${stdout}${stderr}`;
  throw UNREACHABLE.test(said) ? new NoRegistry(said) : new Error(said);
}

/** @param {string} spec */
function locator(spec) {
  return spec.startsWith('/') ? `file:${spec}` : spec;
}

/** @param {Readonly<Record<string, string>>} record @param {(value: string) => string} map */
function mapValues(record, map) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
