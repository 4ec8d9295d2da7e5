import { labelOf } from '../../plot/subjects.mjs';
import { bytes, count, list, whole } from './words.mjs';

/**
 * @typedef {import('../sections/scale.mjs').Limit} Limit
 * @typedef {import('../sections/scale.mjs').Trace} Trace
 *
 * @typedef {object} Failure
 * @property {string} subject the first of them
 * @property {string[]} subjects
 * @property {number} x secrets that there were
 * @property {number} y bytes locked then
 * @property {readonly string[]} words
 * @property {boolean} last nothing came after it
 */

/** What became of a subject in the end. @param {Limit} limit @param {string} subject */
export function endsOf({ runs, traces }, subject) {
  const own = traces.filter((trace) => trace.subject === subject);
  // Where it dies within a step or two of it, the death is the news.
  const unlocked = own
    .filter(
      ({ firstUnlocked, held, end }) =>
        firstUnlocked > 0 && (end === 'all' || held - firstUnlocked > 10),
    )
    .map(({ firstUnlocked }) => firstUnlocked);
  return {
    refused: runs.find((run) => run.subject === subject && run.outcome === 'refused'),
    traces: own,
    deaths: own.filter(({ end }) => end !== 'all'),
    firstUnlocked: unlocked.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...unlocked),
  };
}

/**
 * Every point where something failed; those of several subjects at the same place are one.
 * @param {Limit} limit @returns {Failure[]}
 */
export function failuresOf(limit) {
  const subjects = [...new Set(limit.runs.map(({ subject }) => subject))];
  /** @type {Failure[]} */
  const found = [];
  for (const failure of subjects.flatMap((subject) => failuresOfOne(limit, subject))) {
    const same = found.find(
      ({ x, words }) => x === failure.x && words.at(-1) === failure.words.at(-1),
    );
    if (same === undefined) found.push(failure);
    else {
      same.subjects.push(failure.subject);
      same.words = [list(same.subjects.map(labelOf)), ...same.words.slice(1)];
    }
  }
  return found;
}

/** @param {Limit} limit @param {string} subject @returns {Failure[]} */
function failuresOfOne(limit, subject) {
  const { refused, deaths, firstUnlocked } = endsOf(limit, subject);
  const own = { subject, subjects: [subject] };
  const name = labelOf(subject);
  /** @type {Failure[]} */
  const failures = [];
  if (refused !== undefined) {
    const { held: x, lockedByteLength: y, reason } = refused;
    const what =
      reason.split(':')[0] === 'Error' ? reason.slice('Error: '.length) : reason.split(':')[0];
    failures.push({ ...own, x, y, words: [name, `${what}, ${whole(x)} held`], last: true });
  }
  const [death] = [...deaths].sort((left, right) => left.held - right.held);
  const lockedAtMost = limit.memlock || Number.POSITIVE_INFINITY;
  if (Number.isFinite(firstUnlocked)) {
    const y = Math.min(lockedAtMost, (firstUnlocked - 1) * 4096);
    const words = [name, `not locked from the ${ordinal(firstUnlocked)} on, no error`];
    failures.push({ ...own, x: firstUnlocked, y, words, last: false });
  }
  if (death !== undefined) {
    const y = Math.min(lockedAtMost, death.held * 4096);
    const words = [name, deathWords(deaths)];
    failures.push({ ...own, x: death.held, y, words, last: true });
  }
  return failures;
}

/** @param {number} n */
function ordinal(n) {
  const tail = n % 100;
  const ending = tail > 10 && tail < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${whole(n)}${ending}`;
}

/** The same in sentences, with every process that was followed. @param {Limit} limit */
export function endLines(limit) {
  const subjects = [...new Set(limit.runs.map(({ subject }) => subject))];
  return subjects.flatMap((subject) => {
    const { refused, traces, deaths, firstUnlocked } = endsOf(limit, subject);
    const sentences = [];
    if (refused !== undefined) {
      const { held, lockedByteLength, reason } = refused;
      sentences.push(
        `the ${ordinal(held + 1)} secret is refused with an error that can be caught, ${bytes(lockedByteLength)} locked: ${quoted(reason)}.`,
      );
    }
    if (Number.isFinite(firstUnlocked)) {
      sentences.push(
        `the ${ordinal(firstUnlocked)} secret is returned though the kernel has locked nothing more, and without an error.`,
      );
    }
    if (deaths.length > 0) sentences.push(deathSentence(traces, deaths));
    return sentences.length === 0 ? [] : [`- **${labelOf(subject)}**: ${sentences.join(' Then ')}`];
  });
}

/** Deaths of the same kind stand together. @param {readonly Trace[]} traces @param {readonly Trace[]} deaths */
function deathSentence(traces, deaths) {
  const kinds = [...new Set(deaths.map(({ end, said }) => `${end}\n${said}`))].map((kind) => {
    const [end = '', said = ''] = kind.split('\n');
    const own = deaths.filter((death) => death.end === end && death.said === said);
    const after = list(own.map(({ held }) => whole(held)));
    return `${end} after ${after}${said === '' ? '' : ` (${quoted(said)})`}`;
  });
  return `the process ends, ${deaths.length} of ${count(traces.length, 'time')} it was followed: ${kinds.join('; ')}. No program can catch that.`;
}

/** @param {readonly Trace[]} deaths */
function deathWords(deaths) {
  const held = deaths.map((death) => death.held);
  const [least, most] = [Math.min(...held), Math.max(...held)];
  const where = least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
  return `the process dies at ${where}: ${[...new Set(deaths.map(({ end }) => end))].join(', ')}`;
}

/** The first sentence, as code. @param {string} words */
function quoted(words) {
  return `\`${(words.split(';')[0] ?? '').replaceAll('`', '')}\``;
}
