import { labelOf } from '../plot/subjects.mjs';
import { groups } from './page/groups.mjs';
import { ratioOf, same } from './page/rows.mjs';
import { times } from './page/words.mjs';

/** How far a ratio that is measured again may be from the one on the page, as a share. */
const within = 0.3;

/**
 * The ratios of a section, as on the page and measured again: one line each, and whether it holds.
 * @param {string} name @param {Pick<import('./results.mjs').CasesResult, 'rows'>} then
 * @param {Pick<import('./results.mjs').CasesResult, 'rows'>} now
 */
export function compareRatios(name, then, now) {
  return (groups[name] ?? []).flatMap(({ entries, reference }) =>
    entries.flatMap((entry) => {
      if (reference === undefined || same(entry, reference)) return [];
      const [before, after] = [ratioOf(then, entry, reference), ratioOf(now, entry, reference)];
      if (before === undefined || after === undefined) return [];
      const holds = Math.abs(after - before) <= within * before;
      const what = `${entry.name} ${labelOf(entry.subject)}`;
      const line = `${holds ? 'holds' : 'OFF  '}  ${what}: ${times(before)} then, ${times(after)} now`;
      return [{ holds, line }];
    }),
  );
}
