import { find } from './rows.mjs';
import { digits, spread, table, whole } from './words.mjs';

/**
 * Every figure of ours that another page states, with the program that measures it. `says` stands on the page word for
 * word, line breaks aside; each group in it is a number. A figure that depends on the machine has no tolerance: it is
 * one run, and its page says so.
 *
 * @typedef {object} Statement
 * @property {string} page from the root
 * @property {RegExp} says
 * @property {string} command
 * @property {readonly Figure[]} figures one for each group
 *
 * @typedef {object} Figure
 * @property {string} what
 * @property {(results: import('../results.mjs').Results) => number | undefined} measured
 * @property {(value: number) => string} words
 * @property {number} within the most that the page may differ from it, as a share; Infinity: it depends on the machine
 */

const sealedMillion = 'npm run -s million -- --backend koffi --sealed --memlock 65536';
const usually = 0.3;

/** @type {readonly Statement[]} */
export const statements = [
  {
    page: 'README.md',
    says: /one of 64 bytes takes (\d+) locked bytes/,
    command: 'npm run -s million -- --backend koffi',
    figures: [
      {
        ...{ what: 'locked bytes for each of a million', words: digits, within: usually },
        measured: (results) => million(results, false)?.['lockedByteLengthPerSecret'],
      },
    ],
  },
  {
    page: 'README.md',
    says: /([\d,]+) secrets of 32 bytes are open at once/,
    command: 'npm run bench:report -- --only scale',
    figures: [
      {
        ...{ what: 'secrets held under 64 KiB', words: whole, within: 0 },
        measured: ({ scale }) =>
          scale?.limits
            .find(({ memlock }) => memlock === 65_536)
            ?.runs.find((run) => run.subject === 'securemem-koffi' && run.outcome === 'refused')
            ?.held,
      },
    ],
  },
  {
    page: 'README.md',
    says: /Time to make each of them \| ([\d.]+) ns \| ([\d.]+) µs \| ([\d.]+) µs/,
    command: 'npm run bench:report -- --only scale',
    figures: [
      {
        ...figure('ns to make one of 1,000', Number.POSITIVE_INFINITY),
        measured: (results) => timeToMake(results, 65_536, 'securemem-koffi'),
      },
      {
        what: 'µs of one of 1,000 by sodium-native',
        ...{ words: precise, within: Number.POSITIVE_INFINITY },
        measured: (results) => thousandth(timeToMake(results, 65_536, 'sodium-native')),
      },
      {
        what: 'µs of one of 1,000 `KeyObject`s',
        ...{ words: precise, within: Number.POSITIVE_INFINITY },
        measured: (results) => thousandth(timeToMake(results, 0, 'key-object')),
      },
    ],
  },
  ...['page throw', 'pooled throw', 'pooled wait'].map((design) => stormRow(design)),
  {
    page: 'docs/SEALING.md',
    says: /about (\d+) KiB locked at the most with 50 users at once, and (\d+) bytes of ordinary memory for each secret/,
    command: sealedMillion,
    figures: [
      {
        ...{ what: 'KiB locked at the most', words: digits, within: usually },
        measured: (results) => kib(million(results, true)?.['peakLockedByteLength']),
      },
      {
        ...{ what: 'ordinary bytes for each', words: digits, within: usually },
        measured: (results) => million(results, true)?.['ordinaryByteLengthPerSecret'],
      },
    ],
  },
  {
    page: 'docs/SEALING.md',
    says: /Without `--sealed` all of them are locked, at ([\d.]+) bytes each/,
    command: 'npm run -s million -- --backend koffi',
    figures: [
      {
        ...{ what: 'locked bytes for each of a million', words: digits, within: usually },
        measured: (results) => million(results, false)?.['lockedByteLengthPerSecret'],
      },
    ],
  },
  {
    page: 'docs/CHOOSING-A-BACKEND.md',
    says: /about (\d+) µs more for each page/,
    command: 'npm run bench -- --only map-unmap',
    figures: [
      {
        what: 'µs that a page of `memfd_secret` takes more than one of `mlock`',
        measured: ({ allocate }) => microseconds(allocate),
        ...{ words: digits, within: usually },
      },
    ],
  },
];

/** @param {string} design as the storm calls it @returns {Statement} */
function stormRow(design) {
  const [placement, onCapacity] = design.split(' ');
  const name = `${placement === 'page' ? 'one page per secret' : 'pooled'}, ${onCapacity === 'throw' ? 'throwing' : 'waiting'}`;
  const rounds = (/** @type {import('../results.mjs').Results} */ { storm }) =>
    storm?.runs.find((run) => {
      return (
        run.backend === 'koffi' &&
        run.memlock === 65_536 &&
        run.placement === placement &&
        run.onCapacity === onCapacity
      );
    })?.rounds ?? [];
  return {
    page: 'README.md',
    says: new RegExp(`${name} +(\\d+) +(\\d+) +\\d+ +no +\\d+ +(\\d+) KiB +(\\d+)/s`),
    command: 'npm run storm',
    figures: [
      {
        ...figure(`signed, ${name}`, usually),
        measured: (r) => median(rounds(r).map((e) => e.succeeded)),
      },
      {
        ...figure('of these verified', usually),
        measured: (r) => median(rounds(r).map((e) => e.verified)),
      },
      {
        ...figure('KiB locked at the most', usually),
        measured: (r) => kib(median(rounds(r).map((e) => e.peakLockedByteLength))),
      },
      {
        ...figure('signed per second', Number.POSITIVE_INFINITY),
        measured: (r) => median(rounds(r).map((e) => e.requestsPerSecond)),
      },
    ],
  };
}

/** Nanoseconds for each of 1,000 under a lock limit; 0 is none. @param {import('../results.mjs').Results} results @param {number} memlock @param {string} subject */
function timeToMake({ scale }, memlock, subject) {
  const limit = scale?.limits.find((one) => one.memlock === memlock);
  const run = limit?.runs.find((one) => one.subject === subject && one.count === 1_000);
  return run === undefined ? undefined : median(run.addNs);
}

/** @param {number | undefined} value */
function thousandth(value) {
  return value === undefined ? undefined : value / 1_000;
}

/** @param {number} value */
function precise(value) {
  return value.toPrecision(3);
}

/** @param {string} what @param {number} within */
function figure(what, within) {
  return { what, within, words: digits };
}

/** @param {import('../results.mjs').Results} results @param {boolean} sealed */
function million({ million: section }, sealed) {
  return section?.runs.find((run) => run.backend === 'koffi' && run.sealed === sealed)?.figures;
}

/** @param {number | undefined} byteLength */
function kib(byteLength) {
  return byteLength === undefined ? undefined : byteLength / 1024;
}

/** @param {readonly number[]} values */
function median(values) {
  return values.length === 0 ? undefined : spread(values).median;
}

/** @param {import('../results.mjs').CasesResult | undefined} section */
function microseconds(section) {
  if (section === undefined) return undefined;
  const hidden = find(section, { name: 'map-unmap', subject: 'securemem-napi' });
  const plain = find(section, { name: 'map-unmap', subject: 'securemem-napi-mlock' });
  if (hidden === undefined || plain === undefined) return undefined;
  return spread(hidden.nsPerOp.map((ns, i) => (ns - (plain.nsPerOp[i] ?? Number.NaN)) / 1000))
    .median;
}

/** What those figures are by the results of this page. @param {import('../results.mjs').Results} results */
export function statementsTable(results) {
  const rows = statements.flatMap(({ page, command, figures }) => {
    const path = page.startsWith('docs/') ? page.slice('docs/'.length) : `../${page}`;
    return figures.map(({ what, measured, words }) => {
      const value = measured(results);
      const shown = value === undefined ? 'not measured' : words(value);
      return [`[${page.split('/').at(-1)}](${path})`, what, shown, `\`${command}\``];
    });
  });
  return table(['page', 'figure', 'measured here', 'command'], rows);
}

/**
 * Where the pages and the results do not agree, one line each.
 * @param {import('../results.mjs').Results} results @param {(page: string) => string} read pages, from the root
 */
export function untraceable(results, read) {
  return statements.flatMap(({ page, says, figures }) => {
    const stated = says.exec(unbroken(read(page)));
    if (stated === null) return [`${page} no longer says ${says.source}`];
    return figures.flatMap(({ what, measured, within }, i) => {
      const value = measured(results);
      if (value === undefined) return [`${what} (${page}) was not measured`];
      const said = Number(stated[i + 1]?.replaceAll(',', ''));
      const off = Math.abs(said - value) / value;
      // A page gives whole numbers: half of one is not a difference.
      return off <= within || Math.abs(said - value) <= 0.5
        ? []
        : [`${page} says ${said} for: ${what}; measured: ${value}`];
    });
  });
}

/** Prose without its line breaks; code as it is, where each row is a line. @param {string} markdown */
function unbroken(markdown) {
  return markdown
    .split(/^(```.*?^```$)/ms)
    .map((part) => (part.startsWith('```') ? part : part.replaceAll(/\n(?!\n)/g, ' ')))
    .join('');
}

/** Times, rates and ratios: a number of that kind in prose is a statement about speed. */
const speeds =
  /(?:\d[\d.,]*)\s?(?:ns|µs|ms|\/s|%|×|times (?:faster|slower|as)|(?:a|per) second)(?![a-zA-Z])/g;

/**
 * Statements about speed on a page that no program here measures.
 * @param {string} markdown @param {string} page
 */
export function unmeasuredSpeeds(markdown, page) {
  const known = statements.filter((statement) => statement.page === page);
  const rest = known.reduce((text, { says }) => text.replace(says, ''), unbroken(markdown));
  return [...rest.matchAll(speeds)].map(([found]) => found);
}
