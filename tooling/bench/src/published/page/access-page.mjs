import { rangePlot } from '../../plot/range-plot.mjs';
import { labelOf } from '../../plot/subjects.mjs';
import { captionOf, roundsOf } from './cases-page.mjs';
import { footer } from './provenance.mjs';
import { find, ratioOf } from './rows.mjs';
import { spread, table, time, times, timeWithSpread } from './words.mjs';

/** @typedef {import('../results.mjs').CasesResult} CasesResult */

/** What an access can be, in the order of the table. */
const modes = [
  { name: 'read-32', access: 'read', atRest: "`'accessible'`" },
  { name: 'write-32', access: 'write', atRest: "`'accessible'`" },
  { name: 'read-32-read-only', access: 'read', atRest: "`'read-only'`" },
  { name: 'write-32-read-only', access: 'write', atRest: "`'read-only'`" },
  { name: 'read-32-no-access', access: 'read', atRest: "`'no-access'`" },
  { name: 'write-32-no-access', access: 'write', atRest: "`'no-access'`" },
];
const backendSubjects = [
  'securemem-koffi',
  'securemem-napi',
  'securemem-napi-mlock',
  'securemem-nolock',
];
const peers = ['sodium-native', 'key-object'];
/** The same, by the backend or the system alone. */
const parts = [
  { name: 'view-open-close', title: 'Of this, a view opened and closed, by the backend alone' },
  { name: 'protect-pair', title: 'Of this, a page closed and opened, by the backend alone' },
];
const partSubjects = [...backendSubjects, 'create-and-detach', 'syscalls'];

/** @param {CasesResult} section */
export function accessPicture(section) {
  const groups = [
    ...modes.map(({ name, access, atRest }) => ({
      title: `One byte ${access === 'read' ? 'read' : 'written'}, pages ${atRest.replaceAll(/[`']/g, '')} at rest`,
      ranges: rangesOf(section, name, [...backendSubjects, ...peers], `${access}-32`),
    })),
    ...parts.map(({ name, title }) => ({
      title,
      ranges: rangesOf(section, name, partSubjects),
    })),
  ];
  return rangePlot({
    title: 'What an access costs, by mode and backend',
    subtitle:
      'one access of a secret of 32 bytes, with ratios to the same backend with pages open at rest · less is better',
    footer: footer('access', section, {
      rounds: roundsOf(section),
      rows: section.rows.map(({ nsPerOp }) => nsPerOp),
    }),
    groups: groups.filter(({ ranges }) => ranges.length > 0),
    label: time,
  });
}

/**
 * @param {CasesResult} section @param {string} name @param {readonly string[]} subjects
 * @param {string} [reference] the case of the same subject that its ratio is to
 */
function rangesOf(section, name, subjects, reference) {
  return subjects.flatMap((subject) => {
    const row = find(section, { name, subject });
    if (row === undefined) return [];
    const range = spread(row.nsPerOp);
    const ratio =
      reference === undefined || reference === name
        ? undefined
        : ratioOf(section, row, { name: reference, subject });
    const words = ratio === undefined ? '' : times(ratio);
    return [{ subject, ...range, value: time(range.median), ratio: words }];
  });
}

/** The cost table. @param {CasesResult} section */
export function accessTable(section) {
  const rows = modes.map(({ name, access, atRest }) => [
    access,
    atRest,
    ...backendSubjects.map((subject) => cell(section, name, subject)),
  ]);
  const titles = backendSubjects.map((subject) => labelOf(subject).replace('securemem ', ''));
  return [table(['access', 'at rest', ...titles], rows), '', captionOf('access', section)].join(
    '\n',
  );
}

/** @param {CasesResult} section */
export function peersTable(section) {
  const rows = [
    ...modes.map(({ name, access, atRest }) => ({
      name,
      what: `${access}, pages ${atRest} at rest`,
    })),
    ...parts.map(({ name, title }) => ({ name, what: title.replace('Of this, ', '') })),
  ].flatMap(({ name, what }) =>
    [...peers, 'create-and-detach', 'syscalls', ...(name.includes('-32') ? [] : backendSubjects)]
      .filter((subject) => find(section, { name, subject }) !== undefined)
      .map((subject) => [what, labelOf(subject), cell(section, name, subject)]),
  );
  const head = ['operation', 'subject', 'median (half of the rounds)'];
  return [table(head, rows), '', captionOf('access', section)].join('\n');
}

/** @param {CasesResult} section @param {string} name @param {string} subject */
function cell(section, name, subject) {
  const row = find(section, { name, subject });
  return row === undefined ? 'cannot' : timeWithSpread(row.nsPerOp);
}
