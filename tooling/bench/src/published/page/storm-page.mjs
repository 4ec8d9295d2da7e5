import { barPlot } from '../../plot/bar-plot.mjs';
import { memlocks, stormArguments } from '../sections/storm.mjs';
import { caption, footer } from './provenance.mjs';
import { bytes, count, digits, spread, table, whole } from './words.mjs';

/** @typedef {import('../results.mjs').StormResult} StormResult */

/** @param {{ placement: string, onCapacity: string }} run */
function designOf({ placement, onCapacity }) {
  const where = placement === 'page' ? 'one page per secret' : 'pooled';
  return `${where}, ${onCapacity === 'throw' ? 'throwing' : 'waiting'}`;
}

/** @param {StormResult} section */
function footOf(section) {
  const counts = section.runs.map(({ rounds }) => rounds.length);
  const rows = section.runs.map(({ rounds }) => rounds.map((each) => each.requestsPerSecond));
  return footer('storm', section, { rounds: count(Math.min(...counts), 'round'), rows });
}

/** @param {StormResult} section */
export function stormPicture(section) {
  return barPlot({
    title: `${whole(section.requests)} signing requests at once`,
    subtitle:
      'requests that got their signature, of all; each holds four secrets until then, and the others are refused',
    footer: footOf(section),
    whole: section.requests,
    axis: 'signed',
    groups: memlocks.map((memlock) => ({
      title: `Under a lock limit of ${bytes(memlock)}`,
      bars: measured(section)
        .filter((run) => run.memlock === memlock)
        .map((run) => {
          const signed = spread(run.rounds.map(({ succeeded }) => succeeded)).median;
          const rate = spread(run.rounds.map((round) => round.requestsPerSecond)).median;
          return {
            subject: `securemem-${run.backend}`,
            label: `${designOf(run)}, ${run.backend}`,
            value: signed,
            words: `${whole(signed)} signed, ${digits(rate)} a second`,
          };
        }),
    })),
  });
}

/** @param {StormResult} section */
function measured({ runs }) {
  return runs.filter(({ rounds }) => rounds.length > 0);
}

/** @param {StormResult} section */
export function stormTable(section) {
  const rows = measured(section).map((run) => {
    const of = (/** @type {(round: typeof run.rounds[number]) => number} */ value) =>
      spread(run.rounds.map(value));
    const rate = of((round) => round.requestsPerSecond);
    return [
      `${bytes(run.memlock)}${run.rounds.every(({ confined }) => confined) ? '' : ', own budget only'}`,
      run.backend,
      designOf(run),
      whole(of(({ succeeded }) => succeeded).median),
      whole(of(({ verified }) => verified).median),
      run.rounds.some(({ crashed }) => crashed) ? 'yes' : 'no',
      whole(of(({ admissionWaits }) => admissionWaits).median),
      bytes(of(({ peakLockedByteLength }) => peakLockedByteLength).median),
      `${digits(rate.median)} (${digits(rate.low)} to ${digits(rate.high)})`,
    ];
  });
  const head = [
    ...['lock limit', 'backend', 'design', 'signed', 'verified', 'crashed', 'waited'],
    ...['locked at the most', 'signed per second (half of the rounds)'],
  ];
  const [first] = section.runs;
  const command = `npm run -s storm -- ${first === undefined ? '' : stormArguments(first).join(' ')}`;
  return [
    table(head, rows),
    '',
    caption(footOf(section)),
    ...section.failed.map((reason) => `\nNot measured: ${reason}.`),
    '',
    `One of these alone: \`${command}\`. \`npm run storm\` prints the three designs under 64 KiB.`,
  ].join('\n');
}
