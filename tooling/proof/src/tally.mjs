/**
 * Turns what the runner reported into what was proved. Pure, so that its rules can be tested:
 * a skip counts as "not proven" only when it says why, any other skip is a failure, and a run of no tests is one too.
 *
 * @typedef {object} Outcome one test, or one file or run that failed outside of its tests
 * @property {string} project
 * @property {string} file
 * @property {string} name
 * @property {'passed' | 'failed' | 'skipped'} state
 * @property {string} [note] what the test said when it skipped itself
 * @property {number} durationMs
 *
 * @typedef {object} NotProven
 * @property {string} project
 * @property {string} file
 * @property {string} name
 * @property {string} reason
 * @property {string} subject
 */

const notProvenNote = /^not proven:\s*(?<reason>\S.*)$/s;
const requirementId = /\b(?<section>[XAZMGS])\d{1,2}\b/;

/** What a test is about: a gap in the proof of one backend says nothing about another. `every` when it names none.
 *  @param {Pick<Outcome, 'project' | 'name'>} outcome */
export function subjectOf({ project, name }) {
  const text = `${project} ${name}`.toLowerCase();
  if (text.includes('koffi')) return 'koffi';
  if (text.includes('napi')) return 'napi';
  if (text.includes('nolock')) return 'nolock';
  // What koffi stands on as well is of no backend alone.
  if (/(?<!over-)\bffi\b/.test(text)) return 'ffi';
  if (project === 'runtimes') return 'runtimes';
  return 'every';
}

/** @param {readonly Outcome[]} outcomes */
export function tally(outcomes) {
  const passed = outcomes.filter((outcome) => outcome.state === 'passed');
  const skipped = outcomes.filter((outcome) => outcome.state === 'skipped');
  const failures = outcomes
    .filter((outcome) => outcome.state === 'failed')
    .map((outcome) => ({ ...outcome, why: 'failed' }));
  /** @type {NotProven[]} */
  const notProven = [];
  for (const outcome of skipped) {
    const reason = outcome.note?.match(notProvenNote)?.groups?.['reason']?.trim();
    if (reason === undefined) failures.push({ ...outcome, why: 'skipped without saying why' });
    else notProven.push({ ...place(outcome), reason, subject: subjectOf(outcome) });
  }
  if (passed.length + failures.length + notProven.length === 0) {
    failures.push({ ...nothing, why: 'no test was run' });
  }
  return { passed, failures, notProven, sectionMs: sectionMs(outcomes) };
}

const nothing = {
  project: '',
  file: '',
  name: 'the run',
  state: /** @type {const} */ ('failed'),
  durationMs: 0,
};

/** @param {Outcome} outcome */
function place({ project, file, name }) {
  return { project, file, name };
}

/** Time by section of the requirements, since each has a share of the time that `npm test` may take.
 *  @param {readonly Outcome[]} outcomes @returns {Record<string, number>} */
function sectionMs(outcomes) {
  /** @type {Record<string, number>} */
  const sections = {};
  for (const { name, durationMs } of outcomes) {
    const section = name.match(requirementId)?.groups?.['section'];
    if (section !== undefined) sections[section] = (sections[section] ?? 0) + durationMs;
  }
  return sections;
}

/** The last two lines of a run.
 *  @param {ReturnType<typeof tally>} result @returns {[string, string]} */
export function closingLines({ passed, failures, notProven }) {
  const counts = new Map();
  for (const { reason } of notProven) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${reason} (${count})`).join('; ');
  return [
    `${passed.length} passed, ${failures.length} failed, ${notProven.length} skipped`,
    `proved ${passed.length}, not proven ${notProven.length}: ${oneLine(reasons) || 'none'}`,
  ];
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/\s+/g, ' ');
}
