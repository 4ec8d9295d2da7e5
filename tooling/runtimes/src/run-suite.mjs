import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache, fetchRuntime, run } from '@securemem/launch/runtime';

/** Under an emulator on a busy machine; a run that hangs is ended and told as such. */
const RUN_MS_MAX = 900_000;

/** @typedef {import('./runtimes.mjs').Runtime} Runtime */

/**
 * What a run of one backend on one runtime gave: a report of the suite, or why there is none.
 * @typedef {{ report: import('@securemem/conformance').Report } | { unavailable: string }} Answer
 */

/** @param {Runtime} runtime @returns {string | undefined} the program of this machine that is missing */
export function missingProgram({ needs }) {
  return needs.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
}

/** Variables by which Wine keeps everything to itself. */
export const wineEnvironment = {
  WINEPREFIX: join(cache, 'wine'),
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
};

/** Makes a Windows of its own; Node refuses anything older than Windows 10. */
export function prepareWine() {
  if (existsSync(join(cache, 'wine', 'system.reg'))) return;
  const env = { ...process.env, ...wineEnvironment };
  const version = ['HKCU\\Software\\Wine', '/v', 'Version', '/t', 'REG_SZ', '/d', 'win10', '/f'];
  run('wineboot', ['-i'], { env });
  run('wine', ['reg', 'add', ...version], { env });
}

/**
 * @param {Runtime} runtime @param {string} backend @param {string} project @returns {Promise<Answer>}
 */
export async function runSuite(runtime, backend, project) {
  const { before, spec, program, after, environment } = runtime;
  const output = join(cache, `answer-${runtime.id}-${backend}.json`);
  const log = join(cache, `log-${runtime.id}-${backend}.txt`);
  rmSync(output, { force: true });
  const reason = runtime.evidence === 'none' ? String(runtime.because) : '';
  const [command = '', ...rest] = [
    ...before,
    spec === '' ? program : join(fetchRuntime(spec), program),
    ...after,
    'suite.mjs',
    backend,
    output,
    reason,
  ];
  const windows = before.includes('wine');
  // Wine has no working pipes for Node: files are fine.
  const fd = openSync(log, 'w');
  const child = spawn(command, rest, {
    cwd: project,
    stdio: ['ignore', fd, fd],
    env: { ...process.env, NO_COLOR: '1', ...environment, ...(windows ? wineEnvironment : {}) },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX);
  const end = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code));
  }).finally(() => clearTimeout(timer));
  closeSync(fd);
  if (existsSync(output)) return JSON.parse(readFileSync(output, 'utf8'));
  const said = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' ');
  return {
    unavailable: `the run ended with ${end} and no report${said === '' ? '' : `: ${said}`}`,
  };
}
