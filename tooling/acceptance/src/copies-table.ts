import type { CopyCount } from './copies.mjs';

/** Counts differ with the version of Node and with what the collector did; whether there are any does not. */
const cell = (count: number): string => (count === 0 ? 'none' : '1 or more');

/** One group of counts as the lines of a table, as they stand in `docs/COPIES.md`. */
export function tableOf(counts: readonly CopyCount[], group: string): string[] {
  return counts
    .filter((count) => count.group === group)
    .map(({ name, held, after }) => `| ${name} | ${cell(held)} | ${cell(after)} |`);
}

/** The lines of the tables of a document, by the heading over them; heads and rules of tables are left out. */
export function tablesIn(document: string): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  let heading = '';
  for (const line of document.split('\n')) {
    if (line.startsWith('## ')) heading = line.slice(3);
    if (!/^\| .*\| (none|1 or more) \|$/.test(line)) continue;
    tables.set(heading, [...(tables.get(heading) ?? []), line]);
  }
  return tables;
}
