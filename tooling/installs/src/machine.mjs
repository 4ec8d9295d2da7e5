import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** All that an install may use. Whatever needs anything else would fail for somebody. */
const PROGRAMS = ['node', 'npm', 'npx', 'sh'];

/** What an install that compiles something would look for. */
const COMPILERS = ['cc', 'gcc', 'g++', 'c++', 'clang', 'clang++', 'make', 'python3', 'node-gyp'];

/**
 * The environment of a machine that has Node and npm, no compiler, and install scripts blocked for every package manager.
 * @param {string} directory where the programs are linked; made here
 * @returns {NodeJS.ProcessEnv}
 */
export function bareEnvironment(directory) {
  mkdirSync(directory, { recursive: true });
  for (const program of PROGRAMS) symlinkSync(find(program), join(directory, program));
  /** @type {NodeJS.ProcessEnv} */
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    // Settings of the registry and of a proxy stay, and so do certificates that they need. What npm tells its own scripts, and what the test runner tells its
    // workers, would describe another project.
    if (
      /^(npm_(package|lifecycle|command|execpath|node)|NODE_(?!EXTRA_CA_CERTS$)|VITEST|INIT_CWD)/.test(
        name,
      )
    )
      continue;
    env[name] = value;
  }
  return {
    ...env,
    PATH: directory,
    NO_COLOR: '1',
    npm_config_ignore_scripts: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_prefer_offline: 'true',
    // A registry that is down is known in seconds; npm would ask for more than a minute.
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '4000',
  };
}

/** Names of compilers that can be found with this environment. @param {NodeJS.ProcessEnv} env */
export function compilersOnPath(env) {
  return COMPILERS.filter((name) => {
    const directories = (env['PATH'] ?? '').split(delimiter);
    return directories.some((directory) => existsSync(join(directory, name)));
  });
}

/** @param {string} program */
function find(program) {
  if (program === 'node') return process.execPath;
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  const path = stdout.trim();
  if (path === '') throw new Error(`${program} is not on the path`);
  return path;
}
