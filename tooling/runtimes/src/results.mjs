import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepJson } from '@securemem/launch/kept-json';
import { root } from '@securemem/launch/workspace';
import { BACKENDS, ELSEWHERE } from './runtimes.mjs';

const STATES = ['verified', 'load-tested', 'fails', 'not verified'];
const FILE = join(root, 'tooling', 'runtimes', 'results.json');

/** What a row is about: a change of any of these makes it old. */
const JUDGED = [
  'packages/backend-ffi/src',
  'packages/backend-koffi/src',
  'packages/backend-napi/src',
  'packages/backend-napi/native',
  'packages/backend-nolock/src',
  'packages/over-ffi/src',
  'packages/core/src/contract',
];

/**
 * @typedef {object} Cell
 * @property {'verified' | 'load-tested' | 'fails' | 'not verified'} state
 * @property {string} reason empty when there is nothing to say
 * @property {string} commit for people; with a `+` when files had changed since
 * @property {string} date the day, ISO 8601
 * @property {string} judged digest of the code that was judged
 *
 * @typedef {Record<string, Record<string, Cell>>} Results by the id of the runtime, then by backend
 */

/** @returns {Results} */
export function readResults() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** @param {Results} results @param {string} [file] */
export function writeResults(results, file = FILE) {
  keepJson(file, results);
}

/**
 * Results with those that were found elsewhere. Throws for a file that is none: what it says comes into the README.
 * @param {Results} results @param {string} text @returns {Results}
 */
export function withTaken(results, text) {
  const known = new Set(ELSEWHERE.map(({ id }) => id));
  /** @type {Results} */
  const taken = JSON.parse(text);
  for (const [id, cells] of Object.entries(taken)) {
    if (!known.has(id)) throw new Error(`there is no row for ${id}`);
    for (const [backend, { state, commit, date }] of Object.entries(cells)) {
      const isSound =
        STATES.includes(state) && /^[0-9a-f]+\+?$/.test(commit) && /^[\d-]{10}$/.test(date);
      if (!BACKENDS.includes(backend) || !isSound)
        throw new Error(`${id} is no result of the suite`);
    }
  }
  return { ...results, ...taken };
}

/** @param {readonly string[]} args */
function git(...args) {
  return spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();
}

/** The commit that is judged, with a mark when the judged files have changed since. */
export function currentCommit() {
  const changed = git('status', '--porcelain', '--', ...JUDGED) !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
}

/** A digest of the code that is judged, without its comments and the names of types it imports: neither is in what runs. */
export function digestOfJudged() {
  const digest = createHash('sha256');
  for (const directory of JUDGED) {
    const names = readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|cc|c|h)$/.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .sort();
    for (const name of names) digest.update(withoutComments(name));
  }
  return digest.digest('hex').slice(0, 16);
}

/** Drops lines that are comments, or in a list of imports the name of a type, and nothing else. @param {string} name */
function withoutComments(name) {
  const comment = name.endsWith('.ts') ? /^(\/\/|\/\*|\*|type \w+,$)/ : /^\/\//;
  const lines = readFileSync(name, 'utf8').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => !comment.test(line))
    .join('\n');
}

/**
 * What a run is worth. `verified` means that somebody else than the backend was asked, in every requirement that asks.
 * @param {import('./run-suite.mjs').Answer} answer @param {import('./runtimes.mjs').Runtime} runtime
 * @returns {Pick<Cell, 'state' | 'reason'>}
 */
export function judge(answer, runtime) {
  if ('unavailable' in answer) return { state: 'not verified', reason: answer.unavailable };
  const { results, passed, failed, notProven } = answer.report;
  if (failed > 0) {
    const ids = results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id);
    return { state: 'fails', reason: `${passed} requirements hold, ${ids.join(', ')} do not` };
  }
  const counts = `${passed} requirements hold, ${notProven} could not be tested`;
  if (runtime.evidence === 'none') {
    return { state: 'load-tested', reason: `${counts}: ${runtime.because}` };
  }
  return { state: 'verified', reason: notProven === 0 ? '' : counts };
}
