import { linePlot } from '../../plot/line-plot.mjs';
import { labelOf } from '../../plot/subjects.mjs';
import { caption, footer } from './provenance.mjs';
import { endsOf, failuresOf } from './scale-ends.mjs';
import { bytes, spread, table, time, whole } from './words.mjs';

/**
 * @typedef {import('../results.mjs').ScaleResult} ScaleResult
 * @typedef {import('../sections/scale.mjs').Limit} Limit
 * @typedef {import('../sections/scale.mjs').ScaleRun} ScaleRun
 */

/** @param {Limit} limit */
export function limitWords({ memlock, lockLimit }) {
  if (memlock > 0) return `a lock limit of ${bytes(memlock)}`;
  return lockLimit === 'unlimited'
    ? 'no lock limit (root with CAP_IPC_LOCK)'
    : `the lock limit of the machine, ${bytes(lockLimit)}`;
}

/** For the names of files. @param {Limit} limit */
export function limitName({ memlock }) {
  return memlock === 0 ? 'unlimited' : bytes(memlock).replace(' ', '').toLowerCase();
}

/** @param {ScaleResult} section @param {Limit} limit */
function footOf(section, limit) {
  const rows = limit.runs.map(({ addNs }) => addNs).filter((values) => values.length > 0);
  const most = Math.max(...rows.map((values) => values.length));
  const least = Math.min(...rows.map((values) => values.length));
  return footer('scale', section, {
    rounds:
      least === most ? `${least} rounds` : `${least} to ${most} rounds, fewer for more secrets`,
    rows,
  });
}

const across = { title: 'secrets live at the same time', base: 10, label: whole };

/** @param {ScaleResult} section @param {Limit} limit */
export function timePicture(section, limit) {
  const curves = subjectsOf(limit).map((subject) => ({
    subject,
    points: measured(limit, subject).map((run) => ({ x: run.count, y: spread(run.addNs).median })),
    brokenFrom: endsOf(limit, subject).firstUnlocked,
  }));
  const failures = failuresOf(limit).map((failure) => {
    const own = curves.find(({ subject }) => subject === failure.subject)?.points ?? [];
    const y = interpolate(own, failure.x) ?? fallbackTime(curves);
    return { ...failure, y };
  });
  const slowest = Math.max(...curves.flatMap(({ points }) => points.map(({ y }) => y)));
  return linePlot({
    title: `Time to make one secret, under ${limitWords(limit)}`,
    subtitle: `${section.byteLength} bytes allocated and written, so many live at the same time · less is better`,
    footer: footOf(section, limit),
    curves: withEnds(curves, failures),
    failures,
    levels: [],
    x: { ...across, from: Math.min(...section.counts), to: Math.max(...section.counts) },
    // Room above the slowest, for the words of what failed.
    y: { title: 'time for each, median', base: 10, to: 2.5 * slowest, label: time },
  });
}

/** @param {ScaleResult} section @param {Limit} limit */
export function lockedPicture(section, limit) {
  const curves = subjectsOf(limit).map((subject) => ({
    subject,
    points: measured(limit, subject)
      .filter((run) => run.lockedByteLength > 0)
      .map((run) => ({ x: run.count, y: run.lockedByteLength })),
    brokenFrom: endsOf(limit, subject).firstUnlocked,
  }));
  const failures = failuresOf(limit);
  const top = Math.max(...curves.flatMap(({ points }) => points.map(({ y }) => y)), 4096);
  return linePlot({
    title: `Locked bytes, under ${limitWords(limit)}`,
    subtitle: `what the kernel counts as locked for so many secrets of ${section.byteLength} bytes · Buffer and KeyObject lock nothing`,
    footer: footOf(section, limit),
    curves: withEnds(curves, failures),
    failures,
    levels:
      limit.memlock === 0 ? [] : [{ y: limit.memlock, words: `limit ${bytes(limit.memlock)}` }],
    x: { ...across, from: Math.min(...section.counts), to: Math.max(...section.counts) },
    y: {
      title: 'locked',
      base: 16,
      unit: 4096,
      from: 4096,
      to: limit.memlock === 0 ? top * 8 : limit.memlock * 256,
      label: bytes,
    },
  });
}

/** @param {Limit} limit */
function subjectsOf(limit) {
  return [...new Set(limit.runs.map(({ subject }) => subject))];
}

/** @param {Limit} limit @param {string} subject */
function measured(limit, subject) {
  return limit.runs.filter((run) => run.subject === subject && run.addNs.length > 0);
}

/**
 * A curve goes through what failed, and ends where nothing came after.
 * @template {{ subject: string, points: { x: number, y: number }[] }} T
 * @param {readonly T[]} curves @param {readonly import('./scale-ends.mjs').Failure[]} failures
 */
function withEnds(curves, failures) {
  return curves.map((curve) => {
    const own = failures.filter(({ subjects }) => subjects.includes(curve.subject));
    const end = own.find(({ last }) => last)?.x ?? Number.POSITIVE_INFINITY;
    const marked = own.map(({ x, y, last }) => ({ x, y, ...(last ? {} : { bare: true }) }));
    const before = curve.points.filter(({ x }) => x < end && !own.some((each) => each.x === x));
    return { ...curve, points: [...before, ...marked].sort((left, right) => left.x - right.x) };
  });
}

/** @param {readonly { x: number, y: number }[]} points @param {number} x */
function interpolate(points, x) {
  const before = points.filter((point) => point.x <= x).at(-1);
  const after = points.find((point) => point.x > x);
  if (before === undefined || after === undefined) return (before ?? after)?.y;
  const share = Math.log(x / before.x) / Math.log(after.x / before.x);
  return before.y * (after.y / before.y) ** share;
}

/** Where nothing of a subject was timed, its cross stands in the middle. @param {readonly { points: { y: number }[] }[]} curves */
function fallbackTime(curves) {
  return spread(curves.flatMap(({ points }) => points.map(({ y }) => y))).median;
}

/** @param {ScaleResult} section @param {Limit} limit */
export function scaleTable(section, limit) {
  const rows = subjectsOf(limit).map((subject) => [
    labelOf(subject),
    ...section.counts.map((count) => cell(limit.runs, subject, count)),
  ]);
  const head = ['time for each, locked in all', ...section.counts.map(whole)];
  return [table(head, rows), '', caption(footOf(section, limit))].join('\n');
}

/** @param {readonly ScaleRun[]} runs @param {string} subject @param {number} count */
function cell(runs, subject, count) {
  const run = runs.find((each) => each.subject === subject && each.count === count);
  if (run === undefined) return '';
  if (run.outcome === 'skipped') return 'not run';
  if (run.outcome === 'died') return '× dies';
  if (run.outcome === 'refused') return `× refused after ${whole(run.held)}`;
  const words = `${time(spread(run.addNs).median)}, ${bytes(run.lockedByteLength)}`;
  return run.outcome === 'unlocked' ? `${words} **of ${bytes(run.count * 4096)}**` : words;
}

/** What was not run, and why. @param {Limit} limit */
export function skippedLines(limit) {
  return limit.runs
    .filter(({ outcome }) => outcome === 'skipped')
    .map(
      ({ subject, count, reason }) => `- ${labelOf(subject)}, ${whole(count)}: not run, ${reason}.`,
    );
}
