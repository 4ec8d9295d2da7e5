import { parseArgs } from 'node:util';
import { optionError, positiveInteger, UsageError } from '../usage.js';
import { diagnose } from './diagnose.js';
import { gatherFacts } from './gather.js';
import type { Need } from './need.js';
import { render } from './render.js';

export const DOCTOR_USAGE = `npx securemem doctor [OPTION…]

Says what this machine and this process allow, for each backend that is installed where you call it, and the command that
fixes each limit. Run it where and as whom your program runs: limits belong to processes.

  --secrets N   how many secrets the program holds at the same time
  --bytes B     how many bytes each has (32)
  --sealed      it is enough when they fit sealed, in a store
  --json        facts and findings as JSON
  --help

Ends with 0, with 1 when anything says STOP (no backend can lock memory here, or the secrets do not fit), or with 2 when the
options make no sense. So \`npx securemem doctor && node app.js\` starts nothing that could not work.
`;

const BYTES_DEFAULT = 32;
/** The largest secret. */
const BYTES_MAX = 2 ** 31;
/** More than any machine has, and little enough to be counted exactly. */
const TOTAL_BYTES_MAX = 2 ** 48;

/** Prints a diagnosis of `directory`; gives the exit code. Throws `UsageError`. */
export function runDoctor(
  args: readonly string[],
  directory: string,
  print: (text: string) => void,
): number {
  const options = parse(args);
  if (options === 'help') {
    print(DOCTOR_USAGE);
    return 0;
  }
  const diagnosis = diagnose(gatherFacts(directory), options.need);
  print(options.json ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : render(diagnosis));
  return diagnosis.stops ? 1 : 0;
}

function parse(args: readonly string[]): { need: Need; json: boolean } | 'help' {
  const values = parseValues(args);
  if (values.help === true) return 'help';
  const secrets = positiveInteger('secrets', values.secrets);
  const byteLength = positiveInteger('bytes', values.bytes) ?? BYTES_DEFAULT;
  if (byteLength > BYTES_MAX) throw new UsageError(`--bytes must be at most ${BYTES_MAX}`);
  if ((secrets ?? 0) * byteLength > TOTAL_BYTES_MAX) {
    throw new UsageError(`--secrets times --bytes must be at most ${TOTAL_BYTES_MAX}`);
  }
  const sealed = values.sealed === true;
  if (sealed && secrets === undefined) throw new UsageError('--sealed needs --secrets');
  return { need: { secrets, byteLength, sealed }, json: values.json === true };
}

const OPTIONS = {
  secrets: { type: 'string' },
  bytes: { type: 'string' },
  sealed: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw optionError(error, Object.keys(OPTIONS));
  }
}
