import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { BACKENDS, RUNTIMES, UNREACHABLE } from './runtimes.mjs';

const START = '<!-- support-table:start -->';
const END = '<!-- support-table:end -->';

/** The table for the README, with a note for every cell that has something to explain.
 *  @param {import('./results.mjs').Results} results */
export function renderTable(results) {
  /** @type {string[]} */
  const notes = [];
  /** @param {string} reason */
  const mark = (reason) => {
    if (reason === '') return '';
    if (!notes.includes(reason)) notes.push(reason);
    return ` [${notes.indexOf(reason) + 1}]`;
  };
  const rows = RUNTIMES.map(({ id, name }) => {
    const cells = BACKENDS.map((backend) => {
      const cell = results[id]?.[backend];
      return cell === undefined ? 'not run' : `${cell.state}${mark(oneLine(cell.reason))}`;
    });
    const runs = Object.values(results[id] ?? {}).map(({ commit, date }) => `${commit}, ${date}`);
    return [name, ...cells, [...new Set(runs)].join('; ')];
  });
  const unreachable = UNREACHABLE.map(({ name, reason }) => [
    name,
    ...BACKENDS.map(() => `not verified${mark(reason)}`),
    '',
  ]);
  const heading = ['runtime', ...BACKENDS, 'commit, date'];
  return [
    row(heading),
    row(heading.map(() => '---')),
    ...[...rows, ...unreachable].map(row),
    '',
    '*verified*: the conformance suite passes, and it asks the operating system. *load-tested*: all of the suite passes that asks',
    'nobody but the backend. `npm run test:runtimes` repeats it.',
    ...(notes.length === 0 ? [] : ['', ...notes.map((note, index) => `${index + 1}. ${note}`)]),
  ].join('\n');
}

/** @param {readonly string[]} cells */
function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** @param {string} text */
function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 400);
}

/** @param {string} table */
export function writeTable(table) {
  const file = join(root, 'README.md');
  const text = readFileSync(file, 'utf8');
  const from = text.indexOf(START);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`README.md has no ${START} and ${END}`);
  writeFileSync(file, `${text.slice(0, from)}${START}\n${table}\n${text.slice(to)}`);
}
