import { operationNames } from '../../latency/operations.mjs';
import { rangePlot } from '../../plot/range-plot.mjs';
import { labelOf } from '../../plot/subjects.mjs';
import { modes, sameMode } from '../sections/latency.mjs';
import { caption, footer } from './provenance.mjs';
import { count, digits, quantile, table, time, times } from './words.mjs';

/**
 * @typedef {import('../results.mjs').LatencyResult} LatencyResult
 * @typedef {import('../sections/latency.mjs').Latency} Latency
 * @typedef {import('../sections/latency.mjs').Mode} Mode
 */

/** @param {LatencyResult} section */
function footOf(section) {
  const rounds = Math.min(...section.latencies.map(({ p50Ns }) => p50Ns.length));
  const rows = section.latencies.map(({ p50Ns }) => p50Ns);
  return footer('latency', section, { rounds: count(rounds, 'round'), rows });
}

/** @param {LatencyResult} section @param {string} operation @param {Mode} mode */
function find({ latencies }, operation, mode) {
  return latencies.find((each) => each.operation === operation && sameMode(each, mode));
}

/** @param {Mode} mode */
function nameOf({ subject, atRest }) {
  const name = labelOf(subject).replace('securemem ', '');
  return subject === 'buffer' ? name : `${name}, ${atRest}`;
}

/** What an operation usually takes, and what one in a hundred does. @param {LatencyResult} section */
export function latencyPicture(section) {
  const groups = operationNames.map((operation) => ({
    title: `${operation[0]?.toUpperCase()}${operation.slice(1)}`,
    ranges: modes.flatMap((mode) => {
      const row = find(section, operation, mode);
      if (row === undefined) return [];
      const { p50, p99 } = percentilesOf(row);
      const ratio = ratioToBuffer(section, row);
      return [
        {
          ...{ subject: mode.subject, label: nameOf(mode), median: p50, low: p50, high: p99 },
          ...{ value: time(p50), ratio: ratio === undefined ? '' : times(ratio) },
        },
      ];
    }),
  }));
  return rangePlot({
    title: 'Single operations',
    subtitle:
      'secrets of 32 bytes · mark: p50, bar: up to p99 · p50 with its ratio to Buffer · logarithmic scale · less is better',
    footer: footOf(section),
    groups: groups.filter(({ ranges }) => ranges.length > 0),
    label: time,
  });
}

/** Of the rounds' percentiles, the middle. @param {Latency} row */
function percentilesOf({ p50Ns, p99Ns }) {
  return { p50: quantile(p50Ns, 0.5), p99: quantile(p99Ns, 0.5) };
}

/** Within each round, then the median. @param {LatencyResult} section @param {Latency} row */
function ratioToBuffer(section, { operation, subject, p50Ns }) {
  const plain = find(section, operation, { subject: 'buffer', atRest: 'accessible' });
  if (plain === undefined || subject === 'buffer') return undefined;
  return quantile(
    p50Ns.map((ns, round) => ns / (plain.p50Ns[round] ?? Number.NaN)),
    0.5,
  );
}

/** @param {LatencyResult} section */
export function latencyTable(section) {
  const rows = modes.map((mode) => {
    const locked = section.locked.find((each) => sameMode(each, mode));
    return [
      labelOf(mode.subject).replace('securemem ', ''),
      mode.subject === 'buffer' ? '–' : `\`'${mode.atRest}'\``,
      ...operationNames.map((operation) => cell(find(section, operation, mode))),
      locked === undefined ? 'cannot' : digits(locked.bytesPerSecret),
    ];
  });
  const head = ['backend', 'at rest', ...operationNames, 'locked bytes per secret'];
  return [
    table(head, rows),
    '',
    caption(footOf(section)),
    ...section.missing.map((each) => {
      return `\nNot measured: ${each.operation}, ${nameOf(each)}: ${each.reason}.`;
    }),
  ].join('\n');
}

/** @param {Latency | undefined} row */
function cell(row) {
  if (row === undefined) return 'cannot';
  const { p50, p99 } = percentilesOf(row);
  const together = row.together === 1 ? '' : ` (${row.together})`;
  return `${time(p50)} / ${time(p99)}${together}`;
}
