import type { Report } from './report.js';
import { GROUPS } from './requirement.js';
import type { RequirementResult } from './run-requirement.js';

const MARKS = { passed: 'ok  ', failed: 'FAIL', 'not proven': '??  ' } as const;
const WIDTH = 100;

/** A report as text for people: claims first, then every requirement, then what failed and what is not proven. */
export function renderReport(report: Report): string {
  const { backend, machine } = report;
  return [
    `${backend.name}: ${verdict(report)}`,
    '',
    `  contract version ${report.contractVersion}, suite ${report.suiteVersion}`,
    `  evidence         ${report.evidence}`,
    `  machine          ${machine.platform} ${machine.arch} ${machine.release}, ${machine.runtime}`,
    `  date             ${report.date}, ${(report.durationMs / 1000).toFixed(1)} s, seed ${report.seed}`,
    '',
    'Claims',
    ...claims(report),
    ...GROUPS.flatMap((group) => groupLines(report, group)),
    ...section('Failed', report, 'failed'),
    ...section('Not proven here', report, 'not proven'),
    '',
    `${report.passed} passed, ${report.failed} failed, ${report.notProven} not proven`,
    '',
  ].join('\n');
}

function verdict({ failed, notProven }: Report): string {
  if (failed > 0) return `BREAKS THE CONTRACT in ${failed} requirement${failed === 1 ? '' : 's'}`;
  return notProven === 0 ? 'keeps every promise it makes' : `keeps what could be tested here`;
}

/** Each claim, and what the requirements that depend on it made of it. */
function claims({ backend, results }: Report): string[] {
  return Object.entries(backend.capabilities).map(([name, value]) => {
    const related = results.filter(({ capability }) => capability === name);
    const failed = related.filter(({ outcome }) => outcome === 'failed');
    const notProven = related.filter(({ outcome }) => outcome === 'not proven');
    const parts = [
      failed.length > 0 ? `contradicted by ${failed.map(({ id }) => id).join(', ')}` : '',
      notProven.length > 0 ? `not proven: ${notProven.map(({ id }) => id).join(', ')}` : '',
    ].filter(Boolean);
    const remark = parts.join('; ') || (related.length > 0 ? 'confirmed' : '');
    return `  ${name.padEnd(16)} ${String(value).padEnd(12)} ${remark}`.trimEnd();
  });
}

function groupLines({ results }: Report, group: string): string[] {
  const own = results.filter((result) => result.group === group);
  if (own.length === 0) return [];
  return ['', group.charAt(0).toUpperCase() + group.slice(1), ...own.map(resultLine)];
}

function resultLine({ outcome, id, sentence, half }: RequirementResult): string {
  const subject = half === 'not claimed' ? `(not claimed) ${sentence}` : sentence;
  return `  ${MARKS[outcome]} ${id.padEnd(28)} ${subject}`;
}

function section(
  title: string,
  { results }: Report,
  outcome: RequirementResult['outcome'],
): string[] {
  const own = results.filter((result) => result.outcome === outcome);
  if (own.length === 0) return [];
  return ['', title, ...own.flatMap(explain)];
}

function explain({ id, sentence, contract, reason }: RequirementResult): string[] {
  return [
    `  ${id}: ${sentence}`,
    `    promised in ${contract}`,
    ...wrap(reason ?? 'no reason was given').map((line) => `    ${line}`),
  ];
}

function wrap(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    let rest = line;
    while (rest.length > WIDTH) {
      const at = rest.lastIndexOf(' ', WIDTH);
      const end = at > 0 ? at : WIDTH;
      lines.push(rest.slice(0, end));
      rest = rest.slice(end).trimStart();
    }
    return [...lines, rest];
  });
}
