import { rangePlot } from '../../plot/range-plot.mjs';
import { millionArguments } from '../sections/million.mjs';
import { caption, command, machineLine } from './provenance.mjs';
import { bytes, digits, table, time, whole } from './words.mjs';

const pageByteLength = 4096;

/** @type {readonly (readonly [string, string, (value: number) => string])[]} */
const rows = [
  ['lockedByteLength', 'locked with all of them there', bytes],
  ['lockedByteLengthPerSecret', 'of this for each, bytes', digits],
  ['peakLockedByteLength', 'locked at the most, 50 users at once', bytes],
  ['ordinaryByteLengthPerSecret', 'ordinary memory for each beyond its name, bytes', digits],
  ['heapByteLengthPerSecret', 'of this on the JavaScript heap, bytes', digits],
  ['mapsAdded', 'mappings added at the most', whole],
  ['firstSliceNs', 'processor time for each of the first tenth', time],
  ['lastSliceNs', 'of the last tenth', time],
  ['coldOpenNsMedian', 'opened, one byte read, closed', time],
  ['verified', 'held what was written', whole],
  ['openedCorrectly', 'opened at random by 50 users, right', whole],
  ['lockedByteLengthAfter', 'locked after `close()`', bytes],
];

/** @typedef {import('../results.mjs').MillionResult} MillionResult */

/** @param {MillionResult} section */
function footOf(section) {
  return [`${command('million')} · 1 run each, noise not known`, machineLine(section)];
}

/** What each secret of them takes. @param {MillionResult} section */
export function millionMemoryPicture(section) {
  const page = {
    subject: 'syscalls',
    label: 'a page for each',
    ...exactly(pageByteLength, digits),
  };
  return rangePlot({
    title: `What each of ${whole(section.secrets)} secrets takes`,
    subtitle: 'bytes for one secret of 64 bytes · logarithmic scale · less is better',
    footer: footOf(section),
    groups: [
      {
        title: 'Locked memory',
        ranges: [...rangesOf(section, ['lockedByteLengthPerSecret'], digits), page],
      },
      {
        title:
          'Ordinary memory, beyond its name: handles of locked ones, ciphertext of sealed ones',
        ranges: rangesOf(
          section,
          ['ordinaryByteLengthPerSecret', 'heapByteLengthPerSecret'],
          digits,
        ),
      },
    ],
    label: (value) => `${value >= 1 ? whole(value) : value}`,
  });
}

/** Whether the last of them cost more than the first. @param {MillionResult} section */
export function millionTimePicture(section) {
  return rangePlot({
    title: `The first and the last of ${whole(section.secrets)} secrets`,
    subtitle:
      'processor time for one secret of 64 bytes, median · logarithmic scale · less is better',
    footer: footOf(section),
    groups: [
      { title: 'The first tenth made', ranges: rangesOf(section, ['firstSliceNs'], time) },
      { title: 'The last tenth made', ranges: rangesOf(section, ['lastSliceNs'], time) },
      {
        title: 'One of them all opened, one byte read, closed',
        ranges: rangesOf(section, ['coldOpenNsMedian'], time),
      },
    ],
    label: time,
  });
}

/** @param {number} value @param {(value: number) => string} words */
function exactly(value, words) {
  return { median: value, low: value, high: value, value: words(value), ratio: '' };
}

/**
 * The first of these figures that a run has.
 * @param {MillionResult} section @param {readonly string[]} names @param {(value: number) => string} words
 */
function rangesOf({ runs }, names, words) {
  return runs.flatMap(({ backend, sealed, figures }) => {
    const value = names.map((name) => figures[name]).find((each) => each !== undefined);
    if (value === undefined || value <= 0) return [];
    const label = `${backend}, ${sealed ? 'sealed' : 'locked'}`;
    return [{ subject: `securemem-${backend}`, label, ...exactly(value, words) }];
  });
}

/** @param {MillionResult} section */
export function millionTable(section) {
  const { runs, secrets } = section;
  const names = runs.map(({ backend, sealed, memlock }) => {
    return `${backend}, ${sealed ? `sealed, under ${bytes(memlock)}` : 'locked'}`;
  });
  const shown = rows.filter(([name]) => runs.some(({ figures }) => name in figures));
  const body = shown.map(([name, what, format]) => [
    what,
    ...runs.map(({ figures }) => {
      const value = figures[name];
      return value === undefined ? '' : format(value);
    }),
  ]);
  const commands = runs.map(
    (run) => `npm run -s million -- ${millionArguments(run, secrets).join(' ')}`,
  );
  return [
    table(['', ...names], body),
    '',
    caption(footOf(section)),
    ...section.failed.map((reason) => `\nNot measured: ${reason}.`),
    '',
    '```sh',
    ...commands,
    '```',
  ].join('\n');
}
