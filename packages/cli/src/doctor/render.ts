import type { Diagnosis } from './diagnose.js';
import type { BackendFacts } from './facts.js';
import type { Finding, Level } from './finding.js';
import type { BackendRoom } from './room.js';
import { count } from './words.js';

const MARKS: Record<Level, string> = { good: 'ok  ', note: 'note', weak: 'weak', blocked: 'STOP' };
const ORDER: readonly Level[] = ['blocked', 'weak', 'note', 'good'];

/** The diagnosis for people: what stops, what is weak, what is worth knowing, then what is well. */
export function render(diagnosis: Diagnosis): string {
  const { facts, findings, room, need } = diagnosis;
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
  return [
    `securemem doctor: ${facts.runtime} on ${facts.platform} ${facts.arch} ${facts.release}`,
    '',
    ...sorted.flatMap(findingLines),
    '',
    'Backends',
    ...facts.backends.flatMap(backendLines),
    '',
    `Room for secrets of ${need.byteLength} bytes, with default options`,
    ...(room.length === 0 ? ['  none: no backend locks here'] : room.map(roomLine)),
    '',
  ].join('\n');
}

function findingLines({ level, says, remedies }: Finding): string[] {
  return [`${MARKS[level]}  ${says}`, ...remedies.map((line) => `        ${line}`)];
}

function backendLines(backend: BackendFacts): string[] {
  const { packageName, version, state, reason, capabilities, trial } = backend;
  if (state === 'missing') return [`  ${packageName}: not installed (npm install ${packageName})`];
  const name = version === undefined ? packageName : `${packageName} ${version}`;
  if (capabilities === undefined) return [`  ${name}: cannot open: ${reason}`];
  const { locking, guardPages, protection, dumpExclusion, kernelHidden } = capabilities;
  const has = [
    locking === 'locked' ? 'locked' : 'NOT locked',
    guardPages ? 'guarded' : 'no guard pages',
    dumpExclusion ? 'not in core files' : 'in core files',
    kernelHidden ? 'hidden from root' : 'readable by root',
    `at rest ${protection === 'none' ? 'always accessible' : protection}`,
    `in a forked child ${capabilities.forkBehaviour}`,
    `views ${capabilities.views}`,
    `thread end ${capabilities.threadExit}`,
    `cipher ${capabilities.cipher}`,
    `environment ${capabilities.environment}`,
  ];
  const refused = trial?.passed === false ? [`    a page was refused: ${trial.code}`] : [];
  return [`  ${name}: ${has.join(', ')}`, ...refused];
}

function roomLine(room: BackendRoom): string {
  const { backend, secrets, byteLengthEach, route, sealed, openAtOnce } = room;
  const each = `${count(Math.round(byteLengthEach))} locked bytes each`;
  const how = route === 'pooled' ? 'pooled' : 'in regions of their own';
  return (
    `  ${backend}: ${count(secrets)} ${how}, ${each}; ` +
    `or about ${count(sealed)} sealed, ${count(openAtOnce)} of them open at once`
  );
}
