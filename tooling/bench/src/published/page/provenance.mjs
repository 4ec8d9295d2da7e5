import { percent, quantile, spread } from './words.mjs';

/**
 * Where and when a section was measured, in one line.
 * @param {import('../results.mjs').Provenance} section
 */
export function machineLine({ date, machine, loadBefore, loadAfter, quick }) {
  const { processors, processor, memoryGiB, system, node } = machine;
  const where = `${processors} × ${processor}, ${memoryGiB} GiB, ${system}, Node ${node.slice(1)}`;
  return `${date}, ${where}, load ${loadBefore} before, ${loadAfter} after${quick ? ', small counts' : ''}`;
}

/** @param {string} section */
export function command(section) {
  return `npm run bench:report -- --only ${section}`;
}

/**
 * How much rounds differ: half of the distance between the quartiles, as a share of the median, in the middle of all
 * rows.
 * @param {readonly (readonly number[])[]} rows
 */
export function noise(rows) {
  const shares = rows
    .filter((values) => values.length > 1)
    .map((values) => {
      const { low, median, high } = spread(values);
      return (high - low) / 2 / median;
    });
  return shares.length === 0 ? 'noise not known' : `noise ±${percent(quantile(shares, 0.5))}`;
}

/**
 * What stands under a picture and under a table alike.
 * @param {string} name @param {import('../results.mjs').Provenance} section
 * @param {{ rounds: string, rows: readonly (readonly number[])[] }} measured
 */
export function footer(name, section, { rounds, rows }) {
  return [`${command(name)} · ${rounds}, ${noise(rows)}`, machineLine(section)];
}

/** The same as a line of the page. @param {readonly string[]} lines */
export function caption([first = '', ...rest]) {
  const [program, measured] = first.split(' · ');
  return `\`${program}\` · ${measured} · ${rest.join(' · ')}`;
}
