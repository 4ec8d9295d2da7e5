/**
 * One thing that was tried. `how` is what the columns are about, such as `npm koffi`.
 * @typedef {{ where: string, how: string, what: string, outcome: string }} Attempt
 */

/** A row for each `where`, a column for each `how`, and in a cell all that was tried there with what came of it.
 *  @param {readonly Attempt[]} attempts */
export function renderTable(attempts) {
  const columns = [...new Set(attempts.map(({ how }) => how))];
  const rows = [...new Set(attempts.map(({ where }) => where))].map((where) => [
    where,
    ...columns.map((how) => cell(attempts.filter((one) => one.where === where && one.how === how))),
  ]);
  const lines = [['', ...columns], ...rows];
  const widths = lines[0]?.map((_, index) =>
    Math.max(...lines.map((line) => String(line[index]).length)),
  );
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths?.[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** @param {readonly Attempt[]} attempts */
function cell(attempts) {
  const outcomes = new Map();
  for (const { what, outcome } of attempts) {
    outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), what]);
  }
  return [...outcomes].map(([outcome, what]) => `${what.join(' ')} ${outcome}`).join(', ');
}
