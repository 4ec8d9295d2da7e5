import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { confine, proveConfinement } from '@securemem/confined';
import { programOf, unavailable } from '../backends.mjs';
import { table } from './table.mjs';

const usage = `npm run million -- --backend koffi|napi|ffi [--sealed] [--memlock BYTES] [--secrets N] [--json]

A million secrets of 64 bytes, live at the same time.

  --backend NAME   koffi, napi, ffi (in a Node 26 that is fetched where this one is older) or nolock (koffi)
  --sealed         in a store: sealed in ordinary memory, a few open at a time
  --memlock BYTES  in a process that may lock so much; refused where that cannot be shown to bind
  --secrets N      another number of secrets
  --json           one JSON object on stdout instead of progress and a table
`;

/** Those with a suffix are for tests: the same backends with other pages. */
const BACKENDS = ['koffi', 'koffi-hidden', 'napi', 'napi-mlock', 'ffi', 'ffi-hidden', 'nolock'];
const secretsMax = 16_000_000;
const runFile = fileURLToPath(new URL('./run.mjs', import.meta.url));

const options = parse();
const line = command(options);
const child = spawn(line.command, line.args, { stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
child.stdout.on('data', (chunk) => {
  output += chunk;
});
child.once('close', (code, signal) => {
  if (code !== 0) {
    process.stderr.write(`million: the process that holds them ended with ${signal ?? code}\n`);
    process.exitCode = 1;
    return;
  }
  const result = JSON.parse(output);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : table(result));
});

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        backend: { type: 'string', default: 'koffi' },
        sealed: { type: 'boolean', default: false },
        memlock: { type: 'string' },
        secrets: { type: 'string', default: '1000000' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const secrets = wholeNumber('--secrets', values.secrets, 10, secretsMax);
    const memlock =
      values.memlock === undefined
        ? undefined
        : wholeNumber('--memlock', values.memlock, 0, Number.MAX_SAFE_INTEGER);
    if (!BACKENDS.includes(values.backend)) {
      return refuse(`--backend takes koffi, napi, ffi or nolock, not ${values.backend}`);
    }
    const reason = unavailable(values.backend);
    if (reason !== undefined) return refuse(`${values.backend} cannot open here: ${reason}`);
    return { ...values, secrets, memlock };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} name @param {string} text @param {number} min @param {number} max */
function wholeNumber(name, text, min, max) {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  return refuse(`${name} takes a whole number from ${min} to ${max}`);
}

/** @param {ReturnType<typeof parse>} options */
function command({ backend, sealed, memlock, secrets, json }) {
  const task = JSON.stringify({ backend, sealed, secrets, quiet: json });
  const args = ['--expose-gc', runFile, task];
  const program = programOf(backend);
  if (memlock === undefined) return { command: program, args };
  const as = process.getuid?.() === 0 ? 'root' : 'user';
  /** @type {import('@securemem/confined').Confinement} */
  const confinement = { memlockByteLength: memlock, as };
  const proof = proveConfinement(confinement);
  if (!proof.proven) return refuse(`not proven: ${proof.reason}`);
  return confine(program, args, confinement);
}

/** @param {string} line @returns {never} */
function refuse(line) {
  process.stderr.write(`million: ${line}\n`);
  process.exit(2);
}
