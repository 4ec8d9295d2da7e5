/**
 * An axis in powers: where a value is drawn, and which values have a line and a label.
 *
 * @typedef {object} Axis
 * @property {(value: number) => number} at
 * @property {{ value: number, label: string }[]} ticks
 * @property {number[]} between lines without a label
 */

/**
 * @param {{ from: number, to: number, base: number, start: number, end: number, label: (value: number) => string }} scale
 *   `from` and `to` are extended to whole powers of `base`, times `unit`
 * @param {number} [unit]
 * @returns {Axis}
 */
export function logAxis({ from, to, base, start, end, label }, unit = 1) {
  const power = (/** @type {number} */ value) => Math.log(value / unit) / Math.log(base);
  const low = Math.floor(power(from) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(power(to) - 1e-9));
  const at = (/** @type {number} */ value) =>
    start + ((power(value) - low) / (high - low)) * (end - start);
  const ticks = [];
  const between = [];
  for (let exponent = low; exponent <= high; exponent += 1) {
    const value = unit * base ** exponent;
    ticks.push({ value, label: label(value) });
    if (base !== 10 || exponent === high) continue;
    for (let times = 2; times < 10; times += 1) between.push(times * value);
  }
  return { at, ticks, between };
}
