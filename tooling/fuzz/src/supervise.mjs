import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A process of a target that is silent so long hangs: it says something each second, and a single run takes milliseconds. */
const silentMsMax = 60_000;
const outputLengthMax = 100_000;

/**
 * @typedef {import('./target.mjs').TargetProgress} TargetProgress
 * @typedef {import('./target.mjs').TargetReport} TargetReport
 * @typedef {{ seconds: number, seed: number, folder: string, replay: string | undefined }} Run
 * @typedef {TargetProgress & { target: string, outcome: 'clean' | 'found' | 'not-proven', what?: string, input?: string }} Outcome
 */

/**
 * Runs one target in a process of its own. What it finds is the error that a run threw, or that the process died or hung; the input of
 * that run is kept.
 * @param {string} target @param {Run} run @param {(report: TargetProgress) => void} onProgress
 * @returns {Promise<Outcome>}
 */
export async function supervise(target, run, onProgress) {
  const folder = join(run.folder, target);
  mkdirSync(folder, { recursive: true });
  const { ended, output, report } = await ending(target, run, folder, onProgress);
  const { end, ...progress } = report;
  const outcome = { target, ...progress };
  if (end?.notProven !== undefined)
    return { ...outcome, outcome: 'not-proven', what: end.notProven };
  if (ended === 0 && end !== undefined && end.finding === undefined)
    return { ...outcome, outcome: 'clean' };
  const what = end?.finding ?? `ended with ${ended}\n${output.slice(-2000)}`;
  const input = join(folder, `finding-${run.seed}-${process.pid}`);
  if (!existsSync(join(folder, 'current'))) return { ...outcome, outcome: 'found', what };
  copyFileSync(join(folder, 'current'), input);
  return { ...outcome, outcome: 'found', what, input };
}

/**
 * @param {string} target @param {Run} run @param {string} folder @param {(report: TargetProgress) => void} onProgress
 * @returns {Promise<{ ended: number | string | null, output: string, report: TargetReport }>}
 */
function ending(target, { seconds, seed, replay }, folder, onProgress) {
  const script = join(import.meta.dirname, 'run-target.mjs');
  const args = ['--expose-gc', script, target, String(seconds), String(seed), folder];
  if (replay !== undefined) args.push(replay);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-outputLengthMax);
    });
  }
  /** @type {TargetReport} */
  let report = { runs: 0, kept: 0, features: 0 };
  let hung = false;
  const silence = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, silentMsMax);
  child.on('message', (message) => {
    report = /** @type {TargetReport} */ (message);
    silence.refresh();
    onProgress(report);
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(silence);
      done({ ended: hung ? 'a hang' : (signal ?? code), output, report });
    });
  });
}
