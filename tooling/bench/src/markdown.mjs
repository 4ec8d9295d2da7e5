import { cpus } from 'node:os';
import { backendSubjects } from './backends.mjs';
import { summarise } from './ratios.mjs';

/**
 * The same as a table for the documentation: one row for each case, one column for each backend, and what it is
 * compared with.
 * @param {readonly import('./case.d.mts').Case[]} cases
 * @param {readonly import('./case.d.mts').Measurement[]} measurements
 */
export function markdown(cases, measurements) {
  const titles = backendSubjects.map((subject) => subject.replace('securemem-', ''));
  const rows = cases.map(({ name, what }) => {
    const own = measurements.filter((measurement) => measurement.name === name).map(summarise);
    const columns = backendSubjects.map((subject) => {
      const mine = own.find((each) => each.subject === subject);
      return mine === undefined ? '–' : format(mine.nsPerOpMedian);
    });
    const others = own
      .filter(({ subject }) => !backendSubjects.includes(subject))
      .map(({ subject, nsPerOpMedian }) => `${subject} ${format(nsPerOpMedian)}`);
    return row([`\`${name}\``, what, ...columns, others.join(', ')]);
  });
  const header = ['name', 'operation', ...titles, 'compared with'];
  return [row(header), row(header.map(() => '---')), ...rows].join('\n');
}

/** Where the numbers come from. @param {number} rounds */
export function provenance(rounds) {
  const machine = `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim()}`;
  const day = new Date().toISOString().slice(0, 10);
  return `Medians of ${rounds} rounds, Node ${process.version}, ${machine}, ${day}.`;
}

/** @param {readonly string[]} cells */
function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** Nanoseconds below a microsecond, microseconds above: three digits are all that repeats. @param {number} ns */
function format(ns) {
  if (ns < 1000) return `${ns.toPrecision(ns < 100 ? 2 : 3)} ns`;
  const microseconds = ns / 1000;
  return `${microseconds < 100 ? microseconds.toPrecision(2) : Math.round(microseconds)} µs`;
}
