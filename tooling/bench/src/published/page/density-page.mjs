import { barPlot } from '../../plot/bar-plot.mjs';
import { command, machineLine } from './provenance.mjs';
import { bytes, percent, table, whole } from './words.mjs';

/** @typedef {import('../results.mjs').DensityResult} DensityResult */

/** @type {Readonly<Record<string, { subject: string, label: string }>>} */
const looks = {
  securemem: { subject: 'securemem-koffi', label: 'securemem' },
  'size-classes': { subject: 'key-object', label: 'size classes' },
  'page-each': { subject: 'syscalls', label: 'a page for each' },
};

/** @param {DensityResult} section */
const mixesOf = ({ runs }) => [...new Set(runs.map(({ mix }) => mix))];

/** @param {DensityResult} section */
function footOf(section) {
  const how = `${section.seeds} seeds, ${section.rounds} rounds of churn each, calculated: no noise`;
  return [`${command('density')} · ${how}`, machineLine(section)];
}

/** @param {DensityResult} section */
export function densityPicture(section) {
  return barPlot({
    title: `How much of ${bytes(section.limit)} holds bytes of secrets`,
    subtitle:
      'per cent of the locked bytes, at the worst after half went and others came; lengths in bytes',
    footer: footOf(section),
    whole: 100,
    axis: 'per cent',
    groups: mixesOf(section).map((mix) => ({
      title: mix,
      bars: section.runs
        .filter((run) => run.mix === mix)
        .map(({ holder, worst, secrets }) => ({
          ...lookOfHolder(holder),
          value: 100 * worst,
          words: `${percent(worst)}, ${whole(secrets)} at first`,
        })),
    })),
  });
}

/** @param {string} holder */
function lookOfHolder(holder) {
  const look = looks[holder];
  if (look === undefined) throw new Error(`nobody said how ${holder} is drawn`);
  return look;
}

/** @param {DensityResult} section */
export function densityTable(section) {
  const names = Object.keys(looks);
  const rows = mixesOf(section).map((mix) => [
    mix,
    ...names.map((holder) => {
      const run = section.runs.find((each) => each.mix === mix && each.holder === holder);
      if (run === undefined) return '';
      return `${percent(run.worst)} (${percent(run.first)}), ${whole(run.secrets)}`;
    }),
  ]);
  const head = ['lengths in bytes', ...names.map((holder) => lookOfHolder(holder).label)];
  const [program = '', machine = ''] = footOf(section);
  const [shown, how] = program.split(' · ');
  return [table(head, rows), '', `\`${shown}\` · ${how} · ${machine}`].join('\n');
}
