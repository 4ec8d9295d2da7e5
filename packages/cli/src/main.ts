#!/usr/bin/env node
import { runConformanceCommand } from './conformance/command.js';
import { runDoctor } from './doctor/command.js';
import { UsageError } from './usage.js';

const USAGE = `npx securemem doctor        what this machine allows, and what to do about each limit
npx securemem conformance   prove a backend

Each of them explains itself with --help.
`;

const print = (text: string): void => {
  process.stdout.write(text);
};
const log = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(text);
};

async function run([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'doctor':
      return runDoctor(args, process.cwd(), print);
    case 'conformance':
      return runConformanceCommand(args, process.cwd(), print, log);
    case '--help':
    case '-h':
      print(USAGE);
      return 0;
    default:
      throw new UsageError(command === undefined ? 'no command given' : `no command ${command}`);
  }
}

function fail(error: unknown): number {
  const usage = error instanceof UsageError;
  const text = usage ? `${error.message}\n\n${USAGE}` : `${(error as Error)?.stack ?? error}\n`;
  process.stderr.write(`securemem: ${text}`);
  return usage ? 2 : 1;
}

run(process.argv.slice(2))
  .catch(fail)
  .then((code) => {
    process.exitCode = code;
  });
