import { logAxis } from './axis.mjs';
import { cross, mark } from './marks.mjs';
import { boxAround, boxesAlong, placeAll } from './places.mjs';
import { labelOf, lookOf, styleSheet } from './subjects.mjs';
import { element, line, picture, text, textWidth } from './svg.mjs';

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

const width = 860;
const height = 500;
const area = { left: 84, right: width - 46, bottom: height - 92 };
const failureFontSize = 11.5;
const failureLineHeight = 14;
/** Crosses that are nearer than this have their words together. */
const clusterRadius = 16;

/** @param {LinePlot} plot */
export function linePlot({ title, subtitle, footer, curves, failures, levels, x, y }) {
  const shown = curves.filter(({ points }) => points.length > 0);
  const legend = legendOf(shown.map(({ subject }) => subject));
  const inside = { ...area, top: 68 + legend.height };
  const all = [...shown.flatMap(({ points }) => points), ...failures];
  const across = axisOf(
    x,
    all.map((point) => point.x),
    inside.left,
    inside.right,
  );
  const heights = [...all.map((point) => point.y), ...levels.map((level) => level.y)];
  const up = axisOf(y, heights, inside.bottom, inside.top);
  const at = (/** @type {{ x: number, y: number }} */ point) => ({
    x: across.at(point.x),
    y: up.at(point.y),
  });
  const content = [
    ...legend.content,
    ...grid(across, up, inside),
    text((inside.left + inside.right) / 2, inside.bottom + 40, x.title, {
      ...{ class: 'quiet', 'text-anchor': 'middle' },
    }),
    text(20, inside.top - 12, y.title, { class: 'quiet' }),
    ...levels.flatMap((level) => drawLevel(level, up, inside)),
    ...shown.flatMap((curve) => drawCurve(curve, at)),
  ];
  const taken = [
    ...shown.flatMap(({ points }) => boxesAlong(points.map(at))),
    ...shown.flatMap(({ points }) => points.map((point) => boxAround(at(point), 8))),
    ...failures.map((failure) => boxAround(at(failure), 10)),
    ...levels.flatMap((level) => levelBoxes(level, up, inside)),
  ];
  content.push(...drawFailures(clusters(failures, at), inside, taken));
  const subjects = [...shown, ...failures].map(({ subject }) => subject);
  return picture({ width, height, title, subtitle, footer }, styleSheet(subjects), content);
}

/** @param {Scale} scale @param {readonly number[]} values @param {number} start @param {number} end */
function axisOf({ base, unit, from, to, label }, values, start, end) {
  const low = from ?? Math.min(...values);
  const high = to ?? Math.max(...values);
  return logAxis({ from: low, to: high, base, start, end, label }, unit);
}

/** @param {readonly string[]} subjects */
function legendOf(subjects) {
  const content = [];
  let [x, y] = [26, 74];
  for (const subject of subjects) {
    const label = labelOf(subject);
    const needed = 22 + textWidth(label, 12.5) + 22;
    if (x + needed > width - 10) [x, y] = [26, y + 21];
    content.push(mark(subject, x, y), text(x + 13, y + 4, label, { class: 'words' }));
    x += needed;
  }
  return { content, height: y - 74 + 48 };
}

/**
 * @param {import('./axis.mjs').Axis} across @param {import('./axis.mjs').Axis} up
 * @param {import('./places.mjs').Box} inside
 */
function grid(across, up, { left, right, top, bottom }) {
  return [
    ...up.ticks.flatMap(({ value, label }) => [
      line(left, up.at(value), right, up.at(value), { class: 'grid' }),
      text(left - 9, up.at(value) + 4, label, { class: 'quiet', 'text-anchor': 'end' }),
    ]),
    ...across.ticks.flatMap(({ value, label }) => [
      line(across.at(value), top, across.at(value), bottom + 5, { class: 'grid' }),
      text(across.at(value), bottom + 20, label, { class: 'quiet', 'text-anchor': 'middle' }),
    ]),
    line(left, bottom, right, bottom, { class: 'axis' }),
    line(left, top, left, bottom, { class: 'axis' }),
  ];
}

/** The line and its words. @param {Level} level @param {import('./axis.mjs').Axis} up @param {import('./places.mjs').Box} inside */
function levelBoxes({ y, words }, up, { left, right }) {
  const end = right - 8;
  const at = up.at(y);
  return [
    { left, right, top: at - 3, bottom: at + 3 },
    { left: end - textWidth(words, 12), right: end, top: at - 18, bottom: at },
  ];
}

/** @param {Level} level @param {import('./axis.mjs').Axis} up @param {import('./places.mjs').Box} inside */
function drawLevel(level, up, inside) {
  const y = up.at(level.y);
  return [
    line(inside.left, y, inside.right, y, { class: 'axis', 'stroke-width': 1.6 }),
    text(inside.right - 8, y - 6, level.words, {
      ...{ class: 'quiet', 'text-anchor': 'end', 'font-size': 12 },
    }),
  ];
}

/** @param {Curve} curve @param {(point: { x: number, y: number }) => { x: number, y: number }} at */
function drawCurve({ subject, points, brokenFrom = Number.POSITIVE_INFINITY }, at) {
  const { dash } = lookOf(subject);
  const parts = points.slice(1).map((to, i) => {
    const [from, end] = [at(points[i] ?? to), at(to)];
    const broken = to.x > brokenFrom;
    const dashes = broken
      ? { 'stroke-dasharray': '2 5', opacity: 0.8 }
      : dash
        ? { 'stroke-dasharray': dash }
        : {};
    return line(from.x, from.y, end.x, end.y, {
      ...{ class: 'stroke', 'stroke-width': 2.2, 'stroke-linecap': 'round', ...dashes },
    });
  });
  const marks = points
    .filter(({ bare }) => bare !== true)
    .map((point) => mark(subject, at(point).x, at(point).y));
  return [element('g', { class: subject }, parts.join('')), ...marks];
}

/**
 * What failed at about the same place.
 * @typedef {object} Cluster
 * @property {number} x
 * @property {number} y
 * @property {{ subject: string, x: number, y: number }[]} crosses
 * @property {{ subject: string, words: string, first: boolean }[]} lines
 */

/** @param {readonly Failure[]} failures @param {(point: Failure) => { x: number, y: number }} at */
function clusters(failures, at) {
  /** @type {Cluster[]} */
  const found = [];
  for (const failure of failures) {
    const { subject, words } = failure;
    const { x, y } = at(failure);
    const near = found.find((each) => Math.hypot(each.x - x, each.y - y) < clusterRadius);
    const cluster = near ?? { x, y, crosses: [], lines: [] };
    if (near === undefined) found.push(cluster);
    const named = cluster.lines.at(-1)?.subject === subject;
    const lines = words.map((each, i) => ({ subject, words: each, first: i === 0 }));
    cluster.crosses.push({ subject, x, y });
    cluster.lines.push(...(named ? lines.slice(1) : lines));
  }
  return found;
}

/**
 * @param {readonly Cluster[]} all @param {import('./places.mjs').Box} inside
 * @param {readonly import('./places.mjs').Box[]} taken
 */
function drawFailures(all, inside, taken) {
  const wanted = all.map(({ x, y, lines }) => ({ point: { x, y }, size: sizeOf(lines) }));
  const places = placeAll(wanted, inside, taken);
  const leaders = all.flatMap(({ x, y }, i) => {
    const to = places[i]?.leader;
    return to === undefined ? [] : [line(x, y, to.x, to.y, { class: 'axis' })];
  });
  const crosses = all.flatMap((each) =>
    each.crosses.map(({ subject, x, y }) => cross(subject, x, y)),
  );
  const words = all.flatMap(({ lines }, i) => {
    const { left = 0, top = 0 } = places[i]?.box ?? {};
    return lines.map(({ subject, words: each, first }, n) =>
      element(
        'g',
        { class: subject },
        text(left + 2, top + failureLineHeight * (n + 1) - 3, each, {
          ...{ class: first ? 'ink' : 'words', 'font-size': failureFontSize },
          ...(first ? { 'font-weight': 600 } : {}),
        }),
      ),
    );
  });
  return [...leaders, ...crosses, ...words];
}

/** @param {Cluster['lines']} lines */
function sizeOf(lines) {
  return {
    width: Math.max(...lines.map(({ words }) => textWidth(words, failureFontSize))) + 4,
    height: lines.length * failureLineHeight + 2,
  };
}
