import { spawn } from 'node:child_process';

/**
 * @typedef {object} End how a process ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 * @property {boolean} timedOut it was killed by us
 */

/**
 * Runs a program to its end, and ends it when it takes too long.
 * @param {string} command @param {readonly string[]} args
 * @param {{ msMax: number, directory?: string }} options
 * @returns {Promise<End>}
 */
export function run(command, args, { msMax, directory }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, msMax);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, timedOut });
    });
  });
}

/**
 * What a program that must succeed printed, as JSON.
 * @param {string} what for the error @param {readonly string[]} args of node
 * @param {{ msMax: number, directory?: string }} options
 */
export async function runForJson(what, args, options) {
  const { code, signal, stdout, stderr, timedOut } = await run(process.execPath, args, options);
  if (timedOut) throw new Error(`${what}: no answer within ${options.msMax / 1000} s`);
  if (code !== 0) {
    throw new Error(`${what}: ended with ${signal ?? code}: ${stderr.trim().split('\n').at(-1)}`);
  }
  return JSON.parse(stdout);
}

/** The first line of a message without where its files are, which differs from machine to machine. @param {string} message */
export function withoutPlaces(message) {
  const [line = ''] = message.split('\n');
  return line.replaceAll(/(?:file:\/\/)?\/[\w@.+-]+(?:\/[\w@.+-]+)+/g, (path) => {
    return path.split('/').at(-1) ?? '';
  });
}
