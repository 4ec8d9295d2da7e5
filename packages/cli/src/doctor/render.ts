import type { Diagnosis } from './diagnose.js';
import type { BackendFacts } from './facts.js';
import type { Finding, Level } from './finding.js';
import type { BackendRoom } from './room.js';
import { count } from './words.js';

const MARKS: Record<Level, string> = { good: 'ok  ', note: 'note', weak: 'weak', blocked: 'STOP' };
/** What a terminal and a pasted report can be expected to show. */
const COLUMNS = 100;
const ORDER: readonly Level[] = ['blocked', 'weak', 'note', 'good'];

/** The diagnosis for people: what stops, what is weak, what is worth knowing, then what is well. */
export function render(diagnosis: Diagnosis): string {
  const { facts, findings, room, need } = diagnosis;
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
  const given = new Set<string>();
  return [
    `securemem doctor: ${facts.runtime} on ${facts.platform} ${facts.arch} ${facts.release}`,
    '',
    ...sorted.flatMap((finding) => findingLines(finding, given)),
    '',
    'Backends',
    ...facts.backends.flatMap(backendLines),
    '',
    `Room for secrets of ${need.byteLength} bytes, with default options`,
    ...(room.length === 0 ? ['  none: no backend locks here'] : room.flatMap(roomLines)),
    '',
  ].join('\n');
}

/** A remedy that was given above is not given twice. */
function findingLines({ level, says, remedies }: Finding, given: Set<string>): string[] {
  const fresh = remedies.filter((line) => !given.has(line));
  for (const line of fresh) given.add(line);
  const lines = fresh.length < remedies.length ? [...fresh, 'as above'] : fresh;
  return [
    ...wrapped(`${MARKS[level]}  ${says}`, 6),
    ...lines.flatMap((line) => wrapped(`        ${line}`, 10)),
  ];
}

/** Lines of at most 100 columns; those after the first begin with `indent` blanks. */
function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > COLUMNS) {
    const end = rest.lastIndexOf(' ', COLUMNS);
    if (rest.slice(0, Math.max(end, 0)).trim() === '') break; // One word that is longer than a line.
    lines.push(rest.slice(0, end).trimEnd());
    rest = ' '.repeat(indent) + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

function backendLines(backend: BackendFacts): string[] {
  const { packageName, version, state, reason, capabilities, trial } = backend;
  if (state === 'missing')
    return wrapped(`  ${packageName}: not installed (npm install ${packageName})`, 4);
  const name = version === undefined ? packageName : `${packageName} ${version}`;
  if (capabilities === undefined) return wrapped(`  ${name}: cannot open: ${reason}`, 4);
  const { locking, guardPages, protection, dumpExclusion, kernelHidden } = capabilities;
  const has = [
    locking === 'locked' ? 'locked' : 'NOT locked',
    guardPages ? 'guarded' : 'no guard pages',
    dumpExclusion ? 'not in core dumps' : 'in core dumps',
    kernelHidden ? 'hidden from root' : 'readable by root',
    `at rest ${protection === 'none' ? 'always accessible' : protection}`,
    `in a forked child ${capabilities.forkBehaviour}`,
    `views ${capabilities.views}`,
    `thread end ${capabilities.threadExit}`,
    `cipher ${capabilities.cipher}`,
    `environment ${capabilities.environment}`,
    `references of keys ${capabilities.keyReferences ?? 'none'}`,
  ];
  const refused = trial?.passed === false ? [`    a page was refused: ${trial.code}`] : [];
  return [...wrapped(`  ${name}: ${has.join(', ')}`, 4), ...refused];
}

/** Sealing is only worth telling where more fit sealed than open. */
function roomLines(room: BackendRoom): string[] {
  const { backend, secrets, byteLengthEach, route, sealed, openAtOnce } = room;
  if (secrets === 0) return wrapped(`  ${backend}: none, since not one page can be locked`, 4);
  const each = `${count(Math.round(byteLengthEach))} locked bytes each`;
  const how = route === 'pooled' ? 'pooled' : 'in regions of their own';
  const store =
    sealed > secrets
      ? `; or about ${count(sealed)} sealed, ${count(openAtOnce)} of them open at once`
      : '';
  return wrapped(`  ${backend}: ${count(secrets)} ${how}, ${each}${store}`, 4);
}
