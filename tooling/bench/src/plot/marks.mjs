import { lookOf } from './subjects.mjs';
import { element } from './svg.mjs';

/** The mark of a subject, about nine pixels wide. @param {string} subject @param {number} x @param {number} y */
export function mark(subject, x, y) {
  return element('g', { class: subject }, shape(lookOf(subject).mark, x, y));
}

/** Where something failed. @param {string} subject @param {number} x @param {number} y */
export function cross(subject, x, y) {
  const arm = 6;
  const path = `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x - arm} ${y + arm}L${x + arm} ${y - arm}`;
  const stroke = { class: 'stroke', 'stroke-width': 3, 'stroke-linecap': 'round' };
  return element('g', { class: subject }, element('path', { d: rounded(path), ...stroke }));
}

/** @param {import('./subjects.mjs').Mark} kind @param {number} x @param {number} y */
function shape(kind, x, y) {
  const outline = { class: 'stroke', 'stroke-width': 2.2 };
  if (kind === 'disc') return element('circle', { cx: x, cy: y, r: 4.2, class: 'ink' });
  if (kind === 'ring') return element('circle', { cx: x, cy: y, r: 6, ...outline });
  if (kind === 'square') {
    return element('rect', { x: x - 4, y: y - 4, width: 8, height: 8, class: 'ink' });
  }
  if (kind === 'plus') {
    return element('path', {
      d: rounded(`M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}`),
      ...outline,
    });
  }
  const corners = {
    diamond: [0, -5.5, 5.5, 0, 0, 5.5, -5.5, 0],
    triangle: [0, -5, 5, 4.2, -5, 4.2],
    down: [0, 5, 5, -4.2, -5, -4.2],
  }[kind];
  const points = [];
  for (let i = 0; i < corners.length; i += 2) {
    points.push(`${(corners[i] ?? 0) + x},${(corners[i + 1] ?? 0) + y}`);
  }
  return element('polygon', { points: rounded(points.join(' ')), class: 'ink' });
}

/** @param {string} path */
function rounded(path) {
  return path.replaceAll(/\d+\.\d+/g, (number) => String(Math.round(Number(number) * 10) / 10));
}
