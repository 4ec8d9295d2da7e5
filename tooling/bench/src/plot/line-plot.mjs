import { ink, picture, powers } from './picture.mjs';
import { labelOf, lookOf } from './subjects.mjs';
import { cross, symbolOf } from './symbols.mjs';

/**
 * @typedef {object} Curve
 * @property {string} subject
 * @property {readonly { x: number, y: number, bare?: boolean }[]} points a bare one has no mark of its own
 * @property {number} [brokenFrom] from this x on it is not what it claims to be, and is drawn so
 *
 * @typedef {{ subject: string, x: number, y: number, words: readonly string[] }} Failure
 * @typedef {{ y: number, words: string }} Level a line across
 * @typedef {{ title: string, base: number, unit?: number, from?: number, to?: number, label: (value: number) => string }} Scale
 *
 * @typedef {object} LinePlot
 * @property {string} title
 * @property {string} subtitle
 * @property {readonly string[]} footer
 * @property {readonly Curve[]} curves
 * @property {readonly Failure[]} failures
 * @property {readonly Level[]} levels
 * @property {Scale} x
 * @property {Scale} y
 */

const height = 500;
const area = { left: 84, right: 46, bottom: 84 };
const legendRow = { subjects: 5, height: 24 };

/** @param {LinePlot} plot */
export function linePlot({ title, subtitle, footer, curves, failures, levels, x, y }) {
  const shown = curves.filter(({ points }) => points.length > 0);
  const all = [...shown.flatMap(({ points }) => points), ...failures];
  const subjects = [...new Set(shown.map(({ subject }) => subject))];
  const legendHeight = legendRow.height * Math.ceil(subjects.length / legendRow.subjects);
  const option = {
    grid: { ...area, top: 112 + legendHeight, bottom: area.bottom + 15 * footer.length },
    legend: {
      ...{
        left: 16,
        top: 62,
        itemWidth: 22,
        itemHeight: 11,
        itemGap: 28,
        inactiveColor: ink('quiet'),
      },
      textStyle: { color: ink('words') },
      data: subjects.map((subject) => ({ name: labelOf(subject) })),
    },
    xAxis: {
      ...scale(
        x,
        all.map((point) => point.x),
      ),
      nameLocation: 'middle',
      nameGap: 32,
    },
    yAxis: scale(y, [...all.map((point) => point.y), ...levels.map((level) => level.y)]),
    series: [...shown.flatMap(drawCurve), ...levels.map(drawLevel), drawFailures(failures)],
  };
  return picture({ title, subtitle, footer, height }, option, [
    ...subjects,
    ...failures.map(({ subject }) => subject),
  ]);
}

/** From the power below the least to the one above the most. @param {Scale} scale @param {readonly number[]} values */
function scale({ title, base, from, to, label }, values) {
  const power = (/** @type {number} */ value) => Math.log(value) / Math.log(base);
  return {
    ...powers,
    logBase: base,
    name: title,
    nameTextStyle: { color: ink('quiet') },
    min: base ** Math.floor(power(from ?? Math.min(...values)) + 1e-9),
    max: base ** Math.ceil(power(to ?? Math.max(...values)) - 1e-9),
    axisLabel: { formatter: label, color: ink('quiet') },
  };
}

/** What it is and, apart, what it only claims to be. @param {Curve} curve */
function drawCurve({ subject, points, brokenFrom = Number.POSITIVE_INFINITY }) {
  const { light: color, dash } = lookOf(subject);
  const sound = points.filter((point) => point.x <= brokenFrom);
  const broken = points.slice(Math.max(0, sound.length - 1));
  return [
    { own: sound, type: dash === undefined ? 'solid' : dash.split(' ').map(Number), opacity: 1 },
    { own: broken, type: [2, 5], opacity: 0.8 },
  ]
    .filter(({ own }, i) => own.length > (i === 0 ? 0 : 1))
    .map(({ own, type, opacity }) => ({
      ...{ type: 'line', name: labelOf(subject), ...symbolOf(subject), showAllSymbol: true },
      itemStyle: { color },
      lineStyle: { width: 2.2, color, type, opacity },
      data: own.map(({ x, y, bare }) => (bare ? { value: [x, y], symbol: 'none' } : [x, y])),
    }));
}

/** @param {Level} level */
function drawLevel({ y, words }) {
  return {
    type: 'line',
    data: [],
    markLine: {
      ...{ symbol: 'none', silent: true, data: [{ yAxis: y }] },
      lineStyle: { color: ink('axis'), width: 1.6, type: 'solid' },
      label: { formatter: words, position: 'insideEndTop', color: ink('quiet') },
    },
  };
}

/** Crosses with their words, which move apart where they would lie on each other. @param {readonly Failure[]} failures */
function drawFailures(failures) {
  return {
    type: 'scatter',
    ...cross,
    z: 10,
    data: failures.map(({ subject, x, y, words: [first = '', ...rest] }) => ({
      value: [x, y],
      itemStyle: { color: lookOf(subject).light, opacity: 1 },
      label: {
        formatter: [`{first|${first}}`, ...rest].join('\n'),
        rich: { first: { color: lookOf(subject).light, fontWeight: 600, fontSize: 11.5 } },
      },
    })),
    label: {
      ...{ show: true, position: 'right', distance: 8, align: 'left', color: ink('words') },
      ...{ fontSize: 11.5, lineHeight: 14 },
    },
    labelLine: { show: true, lineStyle: { color: ink('axis') } },
    labelLayout: keptApart(),
  };
}

/** A label stands above what it is about, and goes up until it lies on none of those before it. */
function keptApart() {
  /** @typedef {{ x: number, y: number, width: number, height: number }} Box @type {Box[]} */
  const placed = [];
  return (/** @type {{ labelRect: Box }} */ { labelRect }) => {
    const box = { ...labelRect, y: labelRect.y - labelRect.height };
    const isOn = (/** @type {Box} */ other) =>
      Math.abs(box.x + box.width / 2 - other.x - other.width / 2) < (box.width + other.width) / 2 &&
      Math.abs(box.y - other.y) < (box.height + other.height) / 2;
    for (let under = placed.find(isOn); under !== undefined; under = placed.find(isOn)) {
      box.y = under.y - (box.height + under.height) / 2 - 2;
    }
    placed.push(box);
    return { dy: box.y - labelRect.y };
  };
}
