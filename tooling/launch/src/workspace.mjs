import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Exactly this version, through npx, so that neither a missing pnpm nor another one on the path changes anything.
 *  Keep it equal to `packageManager` in the root package.json. */
const pnpm = ['-y', 'pnpm@10.34.9'];

/**
 * Runs pnpm at the root. What it prints goes to stderr, since stdout belongs to the program that is launched.
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean }} [options] quiet: print nothing unless it fails
 */
export function runPnpm(args, { quiet = false } = {}) {
  const result = spawnSync('npx', [...pnpm, ...args], {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
    maxBuffer: 256 * 1024 * 1024,
    shell: process.platform === 'win32',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', npm_config_update_notifier: 'false' },
  });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0) return;
  if (quiet) process.stderr.write(Buffer.concat([result.stdout, result.stderr]));
  process.stderr.write(`\n\`pnpm ${args.join(' ')}\` failed\n`);
  process.exit(result.status ?? 1);
}
