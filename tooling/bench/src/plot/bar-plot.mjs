import { styleSheet } from './subjects.mjs';
import { element, line, picture, text } from './svg.mjs';

/**
 * @typedef {{ subject: string, label: string, value: number, words: string }} Bar
 * @typedef {{ title: string, bars: Bar[] }} Group
 */

const width = 860;
const left = 258;
const right = width - 220;
const rowHeight = 26;
const groupHeight = 38;
const top = 66;
const parts = 4;

/**
 * How much of a whole each got, on a scale from nothing to all.
 * @param {{ title: string, subtitle: string, footer: readonly string[], whole: number, axis: string, groups: readonly Group[] }} plot
 */
export function barPlot({ title, subtitle, footer, whole, axis, groups }) {
  const at = (/** @type {number} */ value) => left + (value / whole) * (right - left);
  const bottom =
    top + groups.reduce((sum, { bars }) => sum + groupHeight + bars.length * rowHeight, 0) + 6;
  const content = [];
  for (let part = 0; part <= parts; part += 1) {
    const value = (whole / parts) * part;
    content.push(
      line(at(value), top + 6, at(value), bottom + 4, { class: 'grid' }),
      text(at(value), bottom + 19, value.toLocaleString('en'), {
        ...{ class: 'quiet', 'text-anchor': 'middle' },
      }),
    );
  }
  let y = top;
  for (const group of groups) {
    content.push(text(20, y + 26, group.title, { class: 'strong', 'font-weight': 600 }));
    y += groupHeight;
    for (const bar of group.bars) {
      content.push(...drawBar(bar, at, whole, y));
      y += rowHeight;
    }
  }
  content.push(
    text((left + right) / 2, bottom + 38, axis, { class: 'quiet', 'text-anchor': 'middle' }),
  );
  const height = bottom + 56 + 15 * footer.length + 6;
  const subjects = groups.flatMap(({ bars }) => bars.map(({ subject }) => subject));
  return picture({ width, height, title, subtitle, footer }, styleSheet(subjects), content);
}

/** @param {Bar} bar @param {(value: number) => number} at @param {number} whole @param {number} y */
function drawBar({ subject, label, value, words }, at, whole, y) {
  const box = { y: y + 5, height: rowHeight - 10, rx: 2 };
  const middle = y + rowHeight / 2 + 4;
  return [
    text(left - 12, middle, label, { class: 'words', 'text-anchor': 'end' }),
    element('rect', { x: left, width: at(whole) - left, ...box, class: 'rest', opacity: 0.45 }),
    element(
      'g',
      { class: subject },
      element('rect', { x: left, width: Math.max(2, at(value) - left), ...box, class: 'ink' }),
    ),
    text(right + 14, middle, words, { class: 'words' }),
  ];
}
