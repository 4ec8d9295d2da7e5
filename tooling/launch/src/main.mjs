import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './install.mjs';
import { root, runPnpm } from './workspace.mjs';

/**
 * main.mjs [--build[=PACKAGE]] [-- FILE ARGUMENT…]
 *
 * Brings a clone to where FILE can run, and runs it in this process: dependencies are installed if the lockfile or a
 * manifest changed, packages are built if their sources did (all of them, or PACKAGE and what it depends on). It
 * needs nothing but Node and npm. Everything it says goes to stderr; stdout is FILE's alone.
 */
const separator = process.argv.indexOf('--');
const options = process.argv.slice(2, separator === -1 ? undefined : separator);
const [file, ...args] = separator === -1 ? [] : process.argv.slice(separator + 1);

const builds = options.map(buildArguments);
install();
if (builds.length > 0) build();
if (file !== undefined) {
  const path = resolve(root, file);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}

/** Says what it does before it does it: a first build takes minutes, and silence looks like a hang. */
function build() {
  const startedAt = Date.now();
  const what = options.map((option) => option.split('=')[1] ?? 'every package').join(', ');
  process.stderr.write(`building ${what}, as far as sources changed…\n`);
  for (const command of builds) runPnpm(command);
  process.stderr.write(`built in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s\n`);
}

/** @param {string} option */
function buildArguments(option) {
  const [name, packageName] = option.split('=');
  if (name !== '--build') throw new TypeError(`unknown option ${option}`);
  const filter = packageName === undefined ? [] : [`--filter=${packageName}`];
  return ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', ...filter];
}
