#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { confine } from './confine.mjs';
import { proveConfinement } from './prove.mjs';

const usage = `confined [--memlock BYTES] [--hard BYTES|unlimited] [--as root|user] -- COMMAND [ARGUMENT…]

Runs COMMAND without CAP_IPC_LOCK under a lock limit (65536 bytes unless told), after a probe has shown that the limit
binds: with 65536 bytes the 17th page must be refused. Exits as COMMAND does; 2 for a bad option; 125 when
confinement is not proven here, in which case COMMAND is not started.`;

/** @param {number} code @param {string} line @returns {never} */
function fail(code, line) {
  process.stderr.write(`confined: ${line}\n`);
  process.exit(code);
}

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      memlock: { type: 'string', default: '65536' },
      hard: { type: 'string' },
      as: { type: 'string', default: process.getuid?.() === 0 ? 'root' : 'user' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  const [command, ...args] = positionals;
  if (command === undefined) throw new TypeError('no command given; see --help');
  /** @type {import('./index.d.mts').Confinement} */
  const confinement = {
    memlockByteLength: byteLength(values.memlock),
    as: /** @type {'root' | 'user'} */ (values.as),
    ...(values.hard === undefined
      ? {}
      : {
          memlockHardByteLength:
            values.hard === 'unlimited' ? 'unlimited' : byteLength(values.hard),
        }),
  };
  return { confinement, line: confine(command, args, confinement) };
}

/** @param {string} text */
function byteLength(text) {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** @returns {ReturnType<typeof parse>} */
function parseOrExit() {
  try {
    return parse();
  } catch (error) {
    return fail(2, error instanceof Error ? error.message : String(error));
  }
}

const { confinement, line } = parseOrExit();
const proof = proveConfinement(confinement);
if (!proof.proven) fail(125, `not proven: ${proof.reason}`);
const child = spawn(line.command, line.args, { stdio: 'inherit' });
child.once('error', (error) => fail(125, error.message));
child.once('exit', (code, signal) => {
  // Dying of the same signal tells our parent what the command died of; an exit code of 128 + n would not.
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code ?? 1;
});
