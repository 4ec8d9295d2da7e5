import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** Ignored by git; may be deleted at any time. */
export const cache = join(root, '.cache', 'runtimes');

/** The longest that a runtime may take to come. The largest has about 50 MB. */
const FETCH_MS_MAX = 300_000;

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
    const pack = ['pack', spec, '--silent', '--pack-destination', unfinished];
    // It blocks this thread, and npm has no limit of its own for a registry that is silent in the middle.
    run('npm', [...pack, '--fetch-retries=1'], {
      cwd: unfinished,
      timeout: FETCH_MS_MAX,
      killSignal: 'SIGKILL',
    });
    const [tarball] = readdirSync(unfinished);
    if (tarball === undefined) throw new Error(`npm packed nothing for ${spec}`);
    run('tar', ['xzf', tarball, '--one-top-level=content', '--strip-components=1'], {
      cwd: unfinished,
    });
    renameSync(join(unfinished, 'content'), directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // Somebody else was faster, with the same content.
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return directory;
}

/** The Node that is fetched where one with `node:ffi` is needed and this one has none. */
export const NODE_WITH_FFI = '26.12.1';

/**
 * A Node that has `node:ffi` without a flag: this one, or one that is fetched; or why there is none.
 * @returns {{ program: string } | { missing: string }}
 */
export function nodeWithFfi() {
  if (isBuiltin('node:ffi')) return { program: process.execPath };
  const target = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return { missing: `nothing fetches a Node for ${target}` };
  try {
    const directory = fetchRuntime(`node-${target}@${NODE_WITH_FFI}`);
    return { program: join(directory, 'bin', 'node') };
  } catch (error) {
    const [reason] = String(error).trim().split('\n').slice(-1);
    return { missing: `Node ${NODE_WITH_FFI} cannot be fetched: ${reason}` };
  }
}
