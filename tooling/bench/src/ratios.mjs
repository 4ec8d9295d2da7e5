/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** What `--json` prints for one pair.
 *  @param {import('./case.d.mts').Measurement} measurement */
export function summarise({ name, subject, nsPerOp }) {
  return {
    name,
    subject,
    nsPerOpMedian: round(median(nsPerOp)),
    nsPerOpMin: round(Math.min(...nsPerOp)),
    nsPerOpMax: round(Math.max(...nsPerOp)),
    runs: nsPerOp.length,
  };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}

/**
 * How the subject of a target did, as a share of what it may take: 1 is exactly as slow as allowed. The ratio is taken
 * within each round, then the median, because two medians of different rounds would compare different weather.
 * `undefined` when a side of the comparison was not measured.
 * @param {string} name @param {import('./case.d.mts').Target} target
 * @param {readonly import('./case.d.mts').Measurement[]} measurements
 */
export function judge(name, target, measurements) {
  const mine = find(measurements, name, target.subject);
  const others = target.atMost.map((term) => find(measurements, term.name, term.subject));
  if (mine === undefined || others.includes(undefined)) return undefined;
  const shares = mine.nsPerOp.map((value, round) => {
    const allowed = target.atMost.reduce(
      (sum, { times }, index) => sum + times * (others[index]?.nsPerOp[round] ?? Number.NaN),
      0,
    );
    return value / allowed;
  });
  const share = median(shares);
  return { share, shareMin: Math.min(...shares), shareMax: Math.max(...shares), met: share <= 1 };
}

/** @param {readonly import('./case.d.mts').Measurement[]} measurements @param {string} name @param {string} subject */
function find(measurements, name, subject) {
  return measurements.find((each) => each.name === name && each.subject === subject);
}
