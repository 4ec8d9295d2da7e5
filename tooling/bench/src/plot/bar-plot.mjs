import { ink, picture, text, top } from './picture.mjs';
import { lookOf } from './subjects.mjs';

/**
 * @typedef {{ subject: string, label: string, value: number, words: string }} Bar
 * @typedef {{ title: string, bars: Bar[] }} Group
 */

const margins = { left: 258, right: 220 };
const rowHeight = 28;

/**
 * How much of a whole each got, on a scale from nothing to all.
 * @param {{ title: string, subtitle: string, footer: readonly string[], whole: number, axis: string, groups: readonly Group[] }} plot
 */
export function barPlot({ title, subtitle, footer, whole, axis, groups }) {
  /** A row for each bar, and one before them for the title of their group. @type {(Bar | undefined)[]} */
  const rows = groups.flatMap(({ bars }) => [undefined, ...bars]);
  const bottom = top + rows.length * rowHeight;
  const column = (/** @type {'label' | 'words'} */ name) => ({
    ...{ type: 'category', inverse: true, axisLine: { show: false }, axisTick: { show: false } },
    data: rows.map((bar) => bar?.[name] ?? ''),
    axisLabel: { interval: 0, color: ink('words') },
  });
  const option = {
    grid: { ...margins, top, height: bottom - top },
    xAxis: {
      ...{
        type: 'value',
        max: whole,
        interval: whole / 4,
        name: axis,
        nameLocation: 'middle',
        nameGap: 30,
      },
      nameTextStyle: { color: ink('quiet') },
      axisLabel: {
        color: ink('quiet'),
        formatter: (/** @type {number} */ value) => value.toLocaleString('en'),
      },
      splitLine: { lineStyle: { color: ink('grid') } },
    },
    yAxis: [column('label'), { ...column('words'), position: 'right' }],
    series: [bars(rows, whole)],
    graphic: titles(groups),
  };
  const subjects = rows.flatMap((bar) => (bar === undefined ? [] : [bar.subject]));
  return picture({ title, subtitle, footer, height: bottom + 52 }, option, subjects);
}

/** @param {readonly (Bar | undefined)[]} rows @param {number} whole */
function bars(rows, whole) {
  return {
    type: 'bar',
    barWidth: 16,
    data: rows.map((bar) =>
      bar === undefined
        ? '-'
        : {
            value: Math.max(bar.value, whole / 250),
            itemStyle: { color: lookOf(bar.subject).light, borderRadius: 2 },
          },
    ),
  };
}

/** @param {readonly Group[]} groups */
function titles(groups) {
  let row = 0;
  return groups.map(({ title, bars: own }) => {
    const y = top + row * rowHeight;
    row += 1 + own.length;
    return text(20, y + 10, title, 'words', 12.5, 600);
  });
}
