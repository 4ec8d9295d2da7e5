import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepJson } from '@securemem/launch/kept-json';
import { tableOf, writeMarked } from '@securemem/launch/marked';

const FILE = fileURLToPath(new URL('../results.json', import.meta.url));

/** Whoever is killed, or makes a test run for ever, was noticed. */
const NOTICED = ['Killed', 'Timeout'];
const UNNOTICED = ['Survived', 'NoCoverage'];

/**
 * @typedef {object} Score
 * @property {number} percent of the mutants that are valid
 * @property {number} mutants
 * @property {readonly { reason: string, count: number, places: readonly string[] }[]} survivors the largest group first
 * @property {string} date
 */

/** @param {any} report in the schema of mutation testing reports @returns {Score} */
export function scoreOf(report) {
  const all = Object.entries(report.files).flatMap(([file, { mutants }]) =>
    mutants.map((/** @type {any} */ mutant) => ({ file, ...mutant })),
  );
  const valid = all.filter(({ status }) => [...NOTICED, ...UNNOTICED].includes(status));
  const noticed = valid.filter(({ status }) => NOTICED.includes(status));
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const { file, status, mutatorName, location } of valid) {
    if (!UNNOTICED.includes(status)) continue;
    const reason = `${mutatorName}${status === 'NoCoverage' ? ', which no test runs' : ''}`;
    groups.set(reason, [
      ...(groups.get(reason) ?? []),
      `${file.replace(/^src\//, '')}:${location.start.line}`,
    ]);
  }
  return {
    percent: valid.length === 0 ? 0 : Math.round((noticed.length / valid.length) * 1_000) / 10,
    mutants: valid.length,
    survivors: [...groups]
      .map(([reason, places]) => ({ reason, count: places.length, places }))
      .sort((left, right) => right.count - left.count),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** @returns {Readonly<Record<string, Score>>} */
export function readScores() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** Keeps the scores, and writes them into the page. @param {Readonly<Record<string, Score>>} scores */
export function writeScores(scores) {
  keepJson(FILE, scores);
  const rows = Object.entries(scores).map(([folder, { percent, mutants, survivors, date }]) => {
    const told = survivors.slice(0, 3).map(({ reason, count }) => `${count} ${reason}`);
    return [`\`${folder}\``, `${percent} %`, `${mutants}`, told.join('; '), date];
  });
  const heading = ['folder', 'noticed', 'mutants', 'most of the rest', 'on'];
  writeMarked('docs/EVIDENCE.md', 'mutants', tableOf(heading, rows));
}
