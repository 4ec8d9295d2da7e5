import { parseArgs } from 'node:util';
import {
  type RunOptions,
  renderReport,
  requirements,
  runConformance,
  runConformanceIsolated,
} from '@securemem/conformance';
import { didYouMean, optionError, UsageError } from '../usage.js';
import { loadSubject } from './load-subject.js';

export const CONFORMANCE_USAGE = `npx securemem conformance FILE [OPTION…]

Proves a backend: FILE is a module that exports \`open\`, a function that opens it. What it claims is compared with what the
operating system says. Children import the same file, so it must not do anything but export.

  --only ID    this requirement alone, such as dump-flag; may be given several times
  --thorough   longer random sequences
  --seed N     repeats the random sequences of an earlier run
  --json       the report as JSON
  --help

Ends with 0, with 1 when a requirement failed, or with 2 when the options make no sense.
`;

/** Prints a report, and progress to `log`; gives the exit code. Throws `UsageError`. */
export async function runConformanceCommand(
  args: readonly string[],
  directory: string,
  print: (text: string) => void,
  log: (text: string) => void,
): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    print(CONFORMANCE_USAGE);
    return 0;
  }
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new UsageError('give one file to prove');
  const subject = await loadSubject(path, directory);
  let done = 0;
  const options: Omit<RunOptions, 'open' | 'module'> = {
    thorough: values.thorough === true,
    ...(values.only === undefined ? {} : { only: knownIds(values.only) }),
    ...(values.seed === undefined ? {} : { seed: seedOf(values.seed) }),
    onResult: ({ id, outcome }) =>
      log(`${String(++done).padStart(3)} ${outcome.padEnd(10)} ${id}\n`),
  };
  // In a process of its own a backend that crashes has a report all the same. Wine cannot pass pipes to one.
  const report =
    process.platform === 'win32'
      ? await runConformance({ ...options, open: subject.open, module: subject.url })
      : await runConformanceIsolated({ ...options, module: subject.url });
  print(values.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report));
  return report.failed === 0 ? 0 : 1;
}

/** As given, or a `UsageError` that names the requirements that there are. */
function knownIds(ids: readonly string[]): readonly string[] {
  for (const id of ids) {
    const names = requirements.map((requirement) => requirement.id);
    if (!names.includes(id))
      throw new UsageError(`--only: no requirement ${id}${didYouMean(id, names)}`);
  }
  return ids;
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed < 2 ** 31) return seed;
  throw new UsageError('--seed must be an integer from 0 to 2147483647');
}

const OPTIONS = {
  only: { type: 'string', multiple: true },
  thorough: { type: 'boolean' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw optionError(error, Object.keys(OPTIONS));
  }
}
