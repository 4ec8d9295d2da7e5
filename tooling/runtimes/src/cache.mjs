import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';

/** Ignored by git; may be deleted at any time. */
export const cache = join(root, '.cache', 'runtimes');

/**
 * Runs a command and throws with all that it printed if it fails.
 * @param {string} command @param {readonly string[]} args @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, [...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0) return String(result.stdout);
  throw new Error(`${command} ${args.join(' ')} failed\n${result.stdout}${result.stderr}`);
}

/**
 * The directory of an npm package that holds a runtime, fetched and unpacked at the first use. It appears in one step, so an
 * interrupted run leaves nothing that looks complete.
 * @param {string} spec
 */
export function fetchRuntime(spec) {
  const directory = join(cache, 'programs', spec.replaceAll(/[@/]/g, '_'));
  if (existsSync(directory)) return directory;
  mkdirSync(join(cache, 'programs'), { recursive: true });
  const unfinished = mkdtempSync(join(cache, 'unfinished-'));
  try {
    run('npm', ['pack', spec, '--silent', '--pack-destination', unfinished], { cwd: unfinished });
    const [tarball] = readdirSync(unfinished);
    if (tarball === undefined) throw new Error(`npm packed nothing for ${spec}`);
    run('tar', ['xzf', tarball, '--one-top-level=content', '--strip-components=1'], {
      cwd: unfinished,
    });
    renameSync(join(unfinished, 'content'), directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return directory;
}
