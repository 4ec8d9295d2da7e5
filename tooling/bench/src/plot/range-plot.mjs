import { logAxis } from './axis.mjs';
import { mark } from './marks.mjs';
import { labelOf, styleSheet } from './subjects.mjs';
import { element, line, picture, text } from './svg.mjs';

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

const width = 860;
const left = 196;
const right = width - 172;
const rowHeight = 23;
const groupHeight = 34;
const top = 70;

/**
 * What each subject took, on one scale for all groups: a mark for the median, a bar for the middle half of the rounds.
 * @param {{ title: string, subtitle: string, footer: readonly string[], groups: readonly Group[], label: (value: number) => string }} plot
 */
export function rangePlot({ title, subtitle, footer, groups, label }) {
  const ranges = groups.flatMap((group) => group.ranges);
  const bottom =
    top + groups.reduce((sum, group) => sum + groupHeight + group.ranges.length * rowHeight, 0) + 8;
  const axis = logAxis({
    ...{
      from: Math.min(...ranges.map(({ low }) => low)),
      base: 10,
      start: left,
      end: right,
      label,
    },
    to: Math.max(...ranges.map(({ high }) => high)),
  });
  const content = tickLabels(axis, bottom);
  let y = top;
  for (const group of groups) {
    content.push(text(20, y + 23, group.title, { class: 'strong', 'font-weight': 600 }));
    y += groupHeight;
    content.push(...grid(axis, y - 2, y + group.ranges.length * rowHeight + 4));
    for (const range of group.ranges) {
      content.push(...row(range, axis, y + rowHeight / 2));
      y += rowHeight;
    }
  }
  const frame = { width, height: bottom + 40 + 15 * footer.length + 6, title, subtitle, footer };
  return picture(frame, styleSheet(ranges.map(({ subject }) => subject)), content);
}

/** @param {import('./axis.mjs').Axis} axis @param {number} bottom */
function tickLabels({ at, ticks }, bottom) {
  return ticks.map(({ value, label }) =>
    text(at(value), bottom + 17, label, { class: 'quiet', 'text-anchor': 'middle' }),
  );
}

/** Beside the rows only, so that no line goes through a heading.
 *  @param {import('./axis.mjs').Axis} axis @param {number} from @param {number} to */
function grid({ at, ticks, between }, from, to) {
  return [
    ...between.map((value) => line(at(value), from, at(value), to, { class: 'faint' })),
    ...ticks.map(({ value }) => line(at(value), from, at(value), to, { class: 'grid' })),
  ];
}

/** @param {Range} range @param {import('./axis.mjs').Axis} axis @param {number} y */
function row(range, { at }, y) {
  const { subject, median, low, high, value, ratio } = range;
  const label = range.label ?? labelOf(subject);
  const bar = { class: 'stroke', 'stroke-width': 7, 'stroke-linecap': 'round', opacity: 0.3 };
  return [
    text(left - 12, y + 4, label, { class: 'words', 'text-anchor': 'end' }),
    element('g', { class: subject }, line(at(low), y, Math.max(at(high), at(low) + 0.1), y, bar)),
    mark(subject, at(median), y),
    text(right + 82, y + 4, value, { class: 'words', 'text-anchor': 'end', 'font-weight': 600 }),
    ...(ratio === ''
      ? []
      : [text(width - 20, y + 4, ratio, { class: 'quiet', 'text-anchor': 'end' })]),
  ];
}
