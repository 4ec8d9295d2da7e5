import { spawn } from 'node:child_process';

/** Fetching a package over a slow line takes a while; nothing here takes longer unless it hangs. */
const RUN_MS_MAX = 360_000;

/**
 * @typedef {object} Ended
 * @property {number | string | null} end the exit code, or the signal that ended it
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program to its end and says how it ended. One that hangs is killed.
 * @param {string} command @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, onOutput?: (said: string, child: import('node:child_process').ChildProcess) => void }} options
 * @returns {Promise<Ended>}
 */
export function runProgram(command, args, { cwd, env, onOutput }) {
  const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX);
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    said.stdout += chunk;
    onOutput?.(said.stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ end: signal ?? code, ...said }));
  }).finally(() => clearTimeout(timer));
}
