/** Numbers as a reader wants them: three digits are all that repeats. */

const units = [
  { from: 1e9, per: 1e9, name: 's' },
  { from: 1e6, per: 1e6, name: 'ms' },
  { from: 1e3, per: 1e3, name: 'µs' },
  { from: 0, per: 1, name: 'ns' },
];

/** @param {number} ns */
export function time(ns) {
  const { per, name } = units.find(({ from }) => ns >= from * 0.9995) ?? { per: 1, name: 'ns' };
  return `${digits(ns / per)} ${name}`;
}

/** @param {number} value */
export function digits(value) {
  if (value === 0) return '0';
  if (value < 0.1) return String(Number(value.toPrecision(2)));
  if (value < 10) return value.toFixed(2).replace(/\.?0+$/, '');
  return value < 100 ? value.toFixed(1).replace(/\.0$/, '') : whole(Math.round(value));
}

/** @param {number} value */
export function whole(value) {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

/** @param {number} byteLength */
export function bytes(byteLength) {
  const names = ['bytes', 'KiB', 'MiB', 'GiB'];
  let [value, i] = [byteLength, 0];
  while (value >= 1024 && i < names.length - 1) [value, i] = [value / 1024, i + 1];
  return `${digits(value)} ${names[i]}`;
}

/** @param {number} value */
export function times(value) {
  return `${digits(value)}×`;
}

/** @param {number} share */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** The value that this share of the others is below. @param {readonly number[]} values @param {number} share */
export function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** @param {readonly number[]} values */
export function spread(values) {
  return {
    low: quantile(values, 0.25),
    median: quantile(values, 0.5),
    high: quantile(values, 0.75),
  };
}

/** Median and middle half. @param {readonly number[]} ns */
export function timeWithSpread(ns) {
  const { low, median, high } = spread(ns);
  return `${time(median)} (${time(low)} to ${time(high)})`;
}

/** @param {readonly string[]} header @param {readonly (readonly string[])[]} rows */
export function table(header, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** @param {number} n @param {string} what */
export function count(n, what) {
  return `${whole(n)} ${what}${n === 1 ? '' : 's'}`;
}

/** @param {readonly string[]} words */
export function list(words) {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
