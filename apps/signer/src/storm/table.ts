import type { StormReport } from './report.js';

const HEADINGS = [
  'design',
  'signed',
  'verified',
  'refused',
  'crashed',
  'waited',
  'peak locked',
  'rate',
];

/** The reports as an aligned table, one row each. */
export function stormTable(reports: readonly StormReport[]): string {
  const rows = [HEADINGS, ...reports.map(row)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((r) => (r[column] ?? '').length)),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths[column] as number;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  '),
  );
  return [lines[0], widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)].join(
    '\n',
  );
}

export function designOf({ placement, onCapacity }: Pick<StormReport, 'placement' | 'onCapacity'>) {
  const where = placement === 'page' ? 'one page per secret' : 'pooled';
  return `${where}, ${onCapacity === 'throw' ? 'throwing' : 'waiting'}`;
}

function row(report: StormReport): string[] {
  const refused = Object.values(report.failedByCode).reduce((sum, n) => sum + n, 0);
  return [
    designOf(report),
    `${report.succeeded}`,
    `${report.verified}`,
    `${refused}`,
    report.crashed ? 'YES' : 'no',
    `${report.admissionWaits}`,
    `${report.peakLockedByteLength / 1_024} KiB`,
    `${Math.round(report.requestsPerSecond)}/s`,
  ];
}
