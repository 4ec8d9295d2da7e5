import { rangePlot } from '../../plot/range-plot.mjs';
import { labelOf } from '../../plot/subjects.mjs';
import { judge } from '../../ratios.mjs';
import { describeTarget } from '../../report.mjs';
import { groups } from './groups.mjs';
import { caption, footer } from './provenance.mjs';
import { find, ratioOf, same } from './rows.mjs';
import { count, percent, spread, table, time, times, timeWithSpread } from './words.mjs';

/** @typedef {import('../results.mjs').CasesResult} CasesResult */

/**
 * A picture and a table of cases.
 * @param {string} name @param {CasesResult} section @param {{ title: string, subtitle: string }} words
 */
export function casesPicture(name, section, { title, subtitle }) {
  const plotted = (groups[name] ?? []).map((group) => ({
    title: group.title,
    ranges: group.entries.flatMap((entry) => {
      const row = find(section, entry);
      if (row === undefined) return [];
      return [
        {
          subject: entry.subject,
          ...(entry.label === undefined ? {} : { label: entry.label }),
          ...spread(row.nsPerOp),
          value: time(spread(row.nsPerOp).median),
          ratio: ratio(section, entry, group.reference),
        },
      ];
    }),
  }));
  const foot = footer(name, section, { rounds: roundsOf(section), rows: rowsOf(section) });
  const full = plotted.filter(({ ranges }) => ranges.length > 0);
  return rangePlot({ title, subtitle, footer: foot, groups: full, label: time });
}

/** @param {string} name @param {CasesResult} section */
export function casesTable(name, section) {
  const rows = (groups[name] ?? []).flatMap((group) =>
    group.entries.flatMap((entry) => {
      const row = find(section, entry);
      const missing = section.missing.find((each) => same(each, entry));
      if (row === undefined && missing === undefined) return [];
      const cells = [`\`${entry.name}\``, labelOf(entry.subject)];
      if (row === undefined) return [[...cells, `not measured: ${missing?.reason}`, '']];
      return [[...cells, timeWithSpread(row.nsPerOp), ratio(section, entry, group.reference)]];
    }),
  );
  const head = ['case', 'subject', 'median (half of the rounds)', 'ratio, within each round'];
  return [table(head, rows), '', captionOf(name, section)].join('\n');
}

/**
 * What each may take at the most, and how much of that it took.
 * @param {readonly CasesResult[]} sections
 */
export function targetsTable(sections) {
  const rows = sections.flatMap((section) =>
    section.targets.flatMap(({ name, ...target }) => {
      const verdict = judge(name, target, section.rows);
      if (verdict === undefined) return [];
      const { share, met } = verdict;
      const goal = describeTarget(name, target);
      return [
        [`\`${name}\``, labelOf(target.subject), goal, percent(share), met ? 'yes' : '**no**'],
      ];
    }),
  );
  return table(['case', 'subject', 'goal', 'takes of what it may', 'met'], rows);
}

/** @param {string} name @param {CasesResult} section */
export function captionOf(name, section) {
  return caption(footer(name, section, { rounds: roundsOf(section), rows: rowsOf(section) }));
}

/** @param {CasesResult} section */
export function roundsOf({ rows }) {
  const counts = rows.map(({ nsPerOp }) => nsPerOp.length);
  return count(Math.min(...counts), 'round');
}

/** @param {CasesResult} section */
function rowsOf({ rows }) {
  return rows.map(({ nsPerOp }) => nsPerOp);
}

/**
 * @param {CasesResult} section @param {import('./groups.mjs').Entry} entry
 * @param {import('./groups.mjs').Entry | undefined} reference
 */
function ratio(section, entry, reference) {
  if (reference === undefined || same(entry, reference)) return '';
  const value = ratioOf(section, entry, reference);
  return value === undefined ? '' : times(value);
}
