import { ink, picture, powers, text, top, width } from './picture.mjs';
import { labelOf, lookOf } from './subjects.mjs';
import { symbolOf } from './symbols.mjs';

/**
 * @typedef {object} Range
 * @property {string} subject
 * @property {string} [label] instead of the subject's own
 * @property {number} median
 * @property {number} low a quarter of the rounds took less
 * @property {number} high a quarter took more
 * @property {string} value the median in words
 * @property {string} ratio in words; empty: none
 *
 * @typedef {{ title: string, ranges: Range[] }} Group
 */

const margins = { left: 196, right: 172 };
const rowHeight = 25;

/**
 * What each subject took, on one scale for all groups: a mark for the median, a bar for the middle half of the rounds.
 * @param {{ title: string, subtitle: string, footer: readonly string[], groups: readonly Group[], label: (value: number) => string }} plot
 */
export function rangePlot({ title, subtitle, footer, groups, label }) {
  /** A row for each range, and one before them for the title of their group. @type {(Range | undefined)[]} */
  const rows = groups.flatMap(({ ranges }) => [undefined, ...ranges]);
  const ranges = groups.flatMap((group) => group.ranges);
  const bottom = top + rows.length * rowHeight;
  const column = (/** @type {(range: Range) => string} */ words, /** @type {object} */ look) => ({
    ...{ type: 'category', inverse: true, axisLine: { show: false }, axisTick: { show: false } },
    data: rows.map((range) => (range === undefined ? '' : words(range))),
    axisLabel: { interval: 0, color: ink('words'), ...look },
    splitLine: { show: false },
  });
  const option = {
    grid: { ...margins, top, height: bottom - top },
    xAxis: {
      ...powers,
      min: 10 ** Math.floor(Math.log10(Math.min(...ranges.map(({ low }) => low))) + 1e-9),
      max: 10 ** Math.ceil(Math.log10(Math.max(...ranges.map(({ high }) => high))) - 1e-9),
      axisLabel: { formatter: label, color: ink('quiet') },
      minorTick: { splitNumber: 9 },
      minorSplitLine: { show: true, lineStyle: { color: ink('faint') } },
    },
    yAxis: [
      column((range) => range.label ?? labelOf(range.subject), {}),
      {
        ...column(({ value }) => value, { fontWeight: 600, align: 'right', margin: 82 }),
        position: 'right',
      },
      {
        ...column(({ ratio }) => ratio, { color: ink('quiet'), align: 'right', margin: 152 }),
        position: 'right',
      },
    ],
    series: rows.flatMap((range, row) => (range === undefined ? [] : drawn(range, row))),
    graphic: titles(groups),
  };
  const subjects = ranges.map(({ subject }) => subject);
  return picture({ title, subtitle, footer, height: bottom + 36 }, option, subjects);
}

/** @param {readonly Group[]} groups */
function titles(groups) {
  let row = 0;
  return groups.flatMap(({ title, ranges }) => {
    const y = top + row * rowHeight;
    row += 1 + ranges.length;
    // On a card of its own, so that no line of the scale goes through it.
    const shape = {
      x: margins.left - 1,
      y,
      width: width - margins.left - margins.right + 2,
      height: rowHeight,
    };
    return [
      { type: 'rect', shape, style: { fill: ink('card') }, z: 10, silent: true },
      text(20, y + 8, title, 'words', 12.5, 600),
    ];
  });
}

/** @param {Range} range @param {number} row */
function drawn({ subject, median, low, high }, row) {
  const color = lookOf(subject).light;
  return [
    {
      type: 'line',
      data: [low, Math.max(high, low * 1.001)].map((value) => [value, row]),
      lineStyle: { width: 7, opacity: 0.3, cap: 'round', color },
      showSymbol: false,
    },
    {
      type: 'scatter',
      data: [[median, row]],
      ...symbolOf(subject),
      itemStyle: { color, opacity: 1 },
    },
  ];
}
