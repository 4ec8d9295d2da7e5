import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Exactly this version, through npx, so that neither a missing pnpm nor another one on the path changes anything.
 *  Keep it equal to `packageManager` in the root package.json. */
const pnpm = ['-y', 'pnpm@10.34.9'];

/**
 * Runs pnpm at the root and says whether it succeeded. What it prints goes to stderr, since stdout belongs to the
 * program that is launched; of a success nothing is shown.
 * @param {readonly string[]} args
 */
export function tryPnpm(args) {
  const result = spawnSync('npx', [...pnpm, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: '1',
      npm_config_update_notifier: 'false',
      // Of an outer npx that started us with `-p` or `-c`: the inner one would take them for its own.
      npm_config_package: undefined,
      npm_config_call: undefined,
      // The addon is built only where there is a compiler, so a build without one must not be remembered for later.
      SECUREMEM_COMPILER: findOnPath('g++') ?? findOnPath('c++') ?? '',
    },
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) process.stderr.write(Buffer.concat([result.stdout, result.stderr]));
  return result.status === 0;
}

/** Runs pnpm at the root, and ends this process if it fails.
 *  @param {readonly string[]} args */
export function runPnpm(args) {
  if (tryPnpm(args)) return;
  process.stderr.write(`\n\`pnpm ${args.join(' ')}\` failed\n`);
  process.exit(1);
}

/** @param {string} program */
function findOnPath(program) {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}
