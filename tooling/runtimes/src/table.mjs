import { tableOf, writeMarked } from '@securemem/launch/marked';
import { BACKENDS_OF_MINORS, MINORS } from './minors.mjs';
import { BACKENDS, ELSEWHERE, RUNTIMES, UNREACHABLE } from './runtimes.mjs';

/** The tables for the README, with a note for every cell that has something to explain.
 *  @param {import('./results.mjs').Results} results */
export function renderTable(results) {
  const notes = new Notes();
  const runtimes = rowsOf(results, RUNTIMES, BACKENDS, notes);
  /** @param {{ name: string, reason: string }} row */
  const notRun = ({ name, reason }) => [
    name,
    ...BACKENDS.map(() => `not verified${notes.mark(reason)}`),
    '',
  ];
  const elsewhere = ELSEWHERE.flatMap((row) =>
    row.id in results ? rowsOf(results, [row], BACKENDS, notes) : [notRun(row)],
  );
  const unreachable = [...elsewhere, ...UNREACHABLE.map(notRun)];
  const minors = rowsOf(results, MINORS, BACKENDS_OF_MINORS, notes);
  const started = MINORS.map(({ environment }) => {
    const words = Object.entries(environment).map(([name, value]) => `\`${name}=${value}\``);
    return words.join(' ');
  });
  return [
    tableOf(['runtime', ...BACKENDS, 'commit, date'], [...runtimes, ...unreachable]),
    '',
    '*verified*: the conformance suite passes, and it asks the operating system. *load-tested*: every check that needs only the',
    'backend passes; the operating system was not asked. `npm run test:runtimes` repeats it.',
    '',
    'Each minor release of Node 26 may change `node:ffi`; `npm run test:minors` tries those that npm has.',
    '',
    tableOf(
      ['runtime', 'started with', ...BACKENDS_OF_MINORS, 'commit, date'],
      minors.map(([name = '', ...rest], at) => [name, started[at] ?? '', ...rest]),
    ),
    ...notes.lines(),
  ].join('\n');
}

/** Reasons that cells have in common, numbered in the order in which they are first named. */
class Notes {
  /** @type {string[]} */
  #reasons = [];

  /** What a cell with this reason ends with. @param {string} reason */
  mark(reason) {
    const line = oneLine(reason);
    if (line === '') return '';
    if (!this.#reasons.includes(line)) this.#reasons.push(line);
    return ` [${this.#reasons.indexOf(line) + 1}]`;
  }

  /** Below the tables, after an empty line; nothing where there is nothing to explain. */
  lines() {
    const lines = this.#reasons.map((reason, index) => `${index + 1}. ${reason}`);
    return lines.length === 0 ? [] : ['', ...lines];
  }
}

/**
 * @param {import('./results.mjs').Results} results @param {readonly { id: string, name: string }[]} runtimes
 * @param {readonly string[]} backends @param {Notes} notes
 */
function rowsOf(results, runtimes, backends, notes) {
  return runtimes.map(({ id, name }) => {
    const known = results[id] ?? {};
    const cells = backends.map((backend) => {
      const cell = known[backend];
      return cell === undefined ? 'not run' : `${cell.state}${notes.mark(cell.reason)}`;
    });
    const runs = backends.flatMap((backend) => known[backend] ?? []);
    const dates = runs.map(({ commit, date }) => `${commit}, ${date}`);
    return [name, ...cells, [...new Set(dates)].join('; ')];
  });
}

/** @param {string} text */
function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 400);
}

/** @param {string} table */
export function writeTable(table) {
  writeMarked('README.md', 'support-table', table);
}
