import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { confine, proveConfinement } from '@securemem/confined';
import { run } from '../child.mjs';

/**
 * How one number of secrets was held by one subject under one limit:
 *   held      all of them, and the kernel counts as much as locked as the subject promises for them
 *   unlocked  all were returned, but less is locked
 *   refused   an error that the program could catch
 *   died      the process ended by itself
 *   skipped   not tried: less memory than it needs, no time left, or not there at all
 *
 * @typedef {object} ScaleRun
 * @property {string} subject
 * @property {number} count
 * @property {'held' | 'unlocked' | 'refused' | 'died' | 'skipped'} outcome
 * @property {number} held how many there were at the end; for a death the trace knows
 * @property {string} reason of what was not held
 * @property {number} lockedByteLength
 * @property {number} mappings
 * @property {number[]} addNs for each secret, one value for each round
 * @property {number[]} releaseNs
 *
 * @typedef {object} Trace one process that was followed to its end
 * @property {string} subject
 * @property {number} count asked for
 * @property {number} held
 * @property {number} firstUnlocked the first that was returned though nothing more was locked; 0: none
 * @property {string} end 'all', the signal, or the exit code
 * @property {string} said
 *
 * @typedef {{ memlock: number, lockLimit: number | 'unlimited', unproven: string, runs: ScaleRun[], traces: Trace[] }} Limit
 * @typedef {{ byteLength: number, counts: number[], limits: Limit[] }} ScaleData
 */

const processFile = fileURLToPath(new URL('../../scale/hold-process.mjs', import.meta.url));
const byteLength = 32;
const pageByteLength = 4096;

/** 0: as it is. */
const memlocks = [65_536, 8_388_608, 0];
const counts = {
  full: [10, 100, 1000, 10_000, 100_000, 1_000_000],
  quick: [10, 100, 1000, 20_000],
};
const tracesWanted = { full: 3, quick: 1 };
const roundsOf = (/** @type {number} */ count) =>
  count <= 1000 ? 15 : count <= 10_000 ? 9 : count <= 100_000 ? 5 : 3;
const childMsMax = 90_000;

/** What each secret has locked by promise, and what memory it may need, in bytes. */
const subjects = [
  { subject: 'securemem-koffi', locked: byteLength, each: 300 },
  { subject: 'securemem-napi', locked: byteLength, each: 300 },
  { subject: 'securemem-store', locked: 0, each: 600 },
  { subject: 'sodium-native', locked: pageByteLength, each: 3 * pageByteLength },
  { subject: 'syscalls', locked: pageByteLength, each: pageByteLength + 100 },
  { subject: 'key-object', locked: 0, each: 1000 },
  { subject: 'buffer', locked: 0, each: 400 },
];

/**
 * @param {{ quick: boolean, msMax: number, show: (step: string) => void }} options
 * @returns {Promise<ScaleData>}
 */
export async function measureScale({ quick, msMax, show }) {
  const endsAt = performance.now() + msMax;
  const tried = quick ? counts.quick : counts.full;
  /** @type {Limit[]} */
  const limits = [];
  for (const memlock of memlocks) {
    const proof = memlock === 0 ? { proven: true } : proveConfinement(confinementOf(memlock));
    /** @type {Limit} */
    const limit = { memlock, lockLimit: memlock, unproven: '', runs: [], traces: [] };
    limits.push(limit);
    if (!proof.proven) {
      limit.unproven = 'reason' in proof ? String(proof.reason) : 'not proven';
      continue;
    }
    for (const each of subjects) {
      // What locks nothing meets no lock limit: it is measured once.
      if (memlock > 0 && (each.subject === 'key-object' || each.subject === 'buffer')) continue;
      const options = { quick, endsAt, tried, show };
      await sweep(limit, each, options);
      await follow(limit, each, options);
    }
  }
  return { byteLength, counts: tried, limits };
}

/**
 * @typedef {{ quick: boolean, endsAt: number, tried: readonly number[], show: (step: string) => void }} Options
 * @param {Limit} limit @param {typeof subjects[number]} each @param {Options} options
 */
async function sweep(limit, { subject, locked, each }, { quick, endsAt, tried, show }) {
  for (const count of tried) {
    /** @type {ScaleRun} */
    const result = { subject, count, outcome: 'skipped', held: 0, reason: '', ...nothing() };
    limit.runs.push(result);
    if (freemem() < 1.5 * count * each) {
      result.reason = `it may need ${Math.ceil((count * each) / 2 ** 30)} GiB of memory`;
      return;
    }
    if (performance.now() > endsAt) {
      result.reason = 'no time was left';
      return;
    }
    show(`${nameOf(limit)}, ${subject}, ${count.toLocaleString('en')}`);
    const roundsMax = quick ? 3 : roundsOf(count);
    const end = await hold(limit, { subject, count, roundsMax, msMax: quick ? 500 : 6000 });
    Object.assign(result, judge(end, { count, locked }));
    if (end.code === 0) limit.lockLimit = JSON.parse(end.stdout).lockLimit;
    if (result.outcome !== 'held' && result.outcome !== 'unlocked') return;
  }
}

function nothing() {
  return { lockedByteLength: 0, mappings: 0, addNs: [], releaseNs: [] };
}

/**
 * @param {import('../child.mjs').End} end @param {{ count: number, locked: number }} run
 * @returns {Partial<ScaleRun>}
 */
export function judge(end, { count, locked }) {
  if (end.timedOut) return { outcome: 'skipped', reason: `not done in ${childMsMax / 1000} s` };
  // An error that nobody caught is none of a secret's: the subject is not there, or the system does not tell.
  if (end.code === 1) return { outcome: 'skipped', reason: lastWords(end) || 'it did not start' };
  if (end.code !== 0) return { outcome: 'died', reason: lastWords(end) };
  const { addNs, releaseNs, lockedByteLength, mappings, refused } = JSON.parse(end.stdout);
  const facts = {
    addNs: addNs.map(tenths),
    releaseNs: releaseNs.map(tenths),
    lockedByteLength,
    mappings,
  };
  if (refused !== undefined) {
    return { ...facts, outcome: 'refused', held: refused.held, reason: refused.message };
  }
  const unlocked = lockedByteLength < count * locked;
  return { ...facts, outcome: unlocked ? 'unlocked' : 'held', held: count };
}

/**
 * Follows a process to the point where it failed, if it failed without saying where: several, since each dies its
 * own death.
 * @param {Limit} limit @param {typeof subjects[number]} each @param {Options} options
 */
async function follow(limit, { subject }, { quick, show }) {
  const own = limit.runs.filter((result) => result.subject === subject);
  const failed = own.filter(({ outcome }) => outcome === 'died' || outcome === 'unlocked');
  const { count } = failed.at(-1) ?? { count: 0 };
  if (count === 0) return;
  const wanted = quick ? tracesWanted.quick : tracesWanted.full;
  for (let n = 1; n <= wanted; n += 1) {
    show(`${nameOf(limit)}, ${subject}: following it to its end, ${n} of ${wanted}`);
    limit.traces.push(await trace(limit, subject, count));
  }
}

/** @param {Limit} limit @param {string} subject @param {number} count @returns {Promise<Trace>} */
async function trace(limit, subject, count) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(directory, 'trace.json');
  try {
    const end = await hold(limit, { subject, count, roundsMax: 1, msMax: 0, trace: file });
    const { held, firstUnlocked = 0 } = JSON.parse(readFileSync(file, 'utf8') || '{"held":0}');
    const how = end.code === 0 ? 'all' : String(end.signal ?? `exit code ${end.code}`);
    return { subject, count, held, firstUnlocked, end: how, said: lastWords(end) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param {Limit} limit @param {object} task */
function hold({ memlock }, task) {
  const args = ['--expose-gc', processFile, JSON.stringify(task)];
  const line =
    memlock === 0
      ? { command: process.execPath, args }
      : confine(process.execPath, args, confinementOf(memlock));
  return run(line.command, line.args, { msMax: childMsMax });
}

/** Always root without the capability, or an ordinary user already: a file of root's is to be written to.
 *  @param {number} memlockByteLength @returns {import('@securemem/confined').Confinement} */
function confinementOf(memlockByteLength) {
  return { memlockByteLength, as: process.getuid?.() === 0 ? 'root' : 'user' };
}

/**
 * The line in which a process said why it died, without what names a file or an address.
 * @param {import('../child.mjs').End} end
 */
function lastWords({ code, stderr }) {
  if (code === 0) return '';
  const lines = stderr.split('\n').map((line) => line.replace(/^[\s#]+/, '').trim());
  const telling = /^(Assertion failed|terminate called|FATAL ERROR|\w*Error:|what\(\))/;
  return lines.find((line) => telling.test(line)) ?? '';
}

/** @param {Limit} limit */
function nameOf({ memlock }) {
  return memlock === 0 ? 'limit as it is' : `under ${memlock / 1024} KiB`;
}

/** @param {number} value */
function tenths(value) {
  return Math.round(value * 10) / 10;
}
