import { judge, summarise } from './ratios.mjs';

/**
 * The table and the targets, for people.
 * @param {readonly import('./case.d.mts').Case[]} cases
 * @param {Awaited<ReturnType<typeof import('./measure.mjs').measure>>} results
 */
export function report(cases, { measurements, unavailable }) {
  const lines = [];
  for (const { name, what } of cases) {
    const own = measurements.filter((measurement) => measurement.name === name);
    const missing = unavailable.filter((pair) => pair.name === name);
    if (own.length + missing.length === 0) continue;
    lines.push('', `${name}: ${what}`);
    for (const measurement of own) lines.push(row(measurement));
    for (const { subject, reason } of missing) {
      lines.push(`  ${subject.padEnd(22)}not measured: ${reason.split('\n')[0]}`);
    }
    for (const target of cases.find((each) => each.name === name)?.targets ?? []) {
      lines.push(verdict(name, target, measurements));
    }
  }
  return lines.join('\n').trimStart();
}

/** @param {import('./case.d.mts').Measurement} measurement */
function row(measurement) {
  const { subject, nsPerOpMedian, nsPerOpMin, nsPerOpMax, runs } = summarise(measurement);
  const spread = `${format(nsPerOpMin)} to ${format(nsPerOpMax)} in ${runs} rounds`;
  return `  ${subject.padEnd(22)}${format(nsPerOpMedian).padStart(10)} ns   ${spread}`;
}

/**
 * @param {string} name @param {import('./case.d.mts').Target} target
 * @param {readonly import('./case.d.mts').Measurement[]} measurements
 */
function verdict(name, target, measurements) {
  const result = judge(name, target, measurements);
  const goal = `${target.subject} ${describeTarget(name, target)}`;
  if (result === undefined) return `  not judged  ${goal}`;
  const { share, shareMin, shareMax, met } = result;
  return `  ${met ? 'met   ' : 'MISSED'}  ${goal}: ${ratios(target, [share, shareMin, shareMax])}`;
}

/** What a target asks for, in words. @param {string} name @param {import('./case.d.mts').Target} target */
export function describeTarget(name, { atMost }) {
  const [first] = atMost;
  if (first !== undefined && isFactor(atMost)) {
    return `at least ${Math.round(1 / first.times)} times faster than ${first.subject}`;
  }
  const sum = atMost.map((term) => {
    const what = term.name === name ? term.subject : term.name;
    return term.times === 1 ? what : `${Number(term.times.toFixed(3))} × ${what}`;
  });
  return `at most ${sum.join(' + ')}`;
}

/** @param {readonly import('./case.d.mts').Term[]} atMost */
function isFactor(atMost) {
  return atMost.length === 1 && (atMost[0]?.times ?? 1) < 1;
}

/** A share of what is allowed, told as the ratio that the target speaks of.
 *  @param {import('./case.d.mts').Target} target @param {[number, number, number]} shares median, least, most */
function ratios({ atMost }, shares) {
  const [first] = atMost;
  if (first === undefined || atMost.length > 1) {
    const [share, least, most] = shares.map((value) => `${Math.round(value * 100)} %`);
    return `${share} of that (${least} to ${most})`;
  }
  const told = shares.map((share) => share * first.times);
  const [share, least, most] = first.times < 1 ? told.map((value) => 1 / value) : told;
  const [low, high] = [Math.min(least ?? 0, most ?? 0), Math.max(least ?? 0, most ?? 0)];
  return `${format(share ?? 0)} times (${format(low)} to ${format(high)})`;
}

/** @param {number} value */
function format(value) {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** How many targets of these cases were met, for the last line.
 *  @param {readonly import('./case.d.mts').Case[]} cases @param {readonly import('./case.d.mts').Measurement[]} measurements */
export function countTargets(cases, measurements) {
  const verdicts = cases.flatMap(({ name, targets }) =>
    targets.map((target) => judge(name, target, measurements)?.met),
  );
  const count = (/** @type {boolean | undefined} */ met) =>
    verdicts.filter((each) => each === met).length;
  return { met: count(true), missed: count(false), notJudged: count(undefined) };
}
