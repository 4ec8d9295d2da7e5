import { millionArguments } from '../sections/million.mjs';
import { machineLine } from './provenance.mjs';
import { bytes, digits, table, time, whole } from './words.mjs';

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

/** @param {import('../results.mjs').MillionResult} section */
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
    `One run each. ${machineLine(section)}.`,
    '',
    '```sh',
    ...commands,
    '```',
  ].join('\n');
}
