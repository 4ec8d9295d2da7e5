import { quantile } from './words.mjs';

/**
 * @typedef {import('../results.mjs').CasesResult} CasesResult
 * @typedef {{ name: string, subject: string }} Pair a case and who did it
 */

/** @param {Pick<CasesResult, 'rows'>} section @param {Pair} pair */
export function find({ rows }, pair) {
  return rows.find((row) => same(row, pair));
}

/** @param {Pair} one @param {Pair} other */
export function same(one, other) {
  return one.name === other.name && one.subject === other.subject;
}

/**
 * The median of the ratios within each round: medians of different rounds would compare different weather.
 * `undefined` when one of them was not measured.
 * @param {Pick<CasesResult, 'rows'>} section @param {Pair} pair @param {Pair} reference
 */
export function ratioOf(section, pair, reference) {
  const [row, other] = [find(section, pair), find(section, reference)];
  if (row === undefined || other === undefined) return undefined;
  const ratios = row.nsPerOp.map((ns, round) => ns / (other.nsPerOp[round] ?? Number.NaN));
  return quantile(ratios, 0.5);
}
