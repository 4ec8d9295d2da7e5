#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runConformanceCommand } from './conformance/command.js';
import { runDoctor } from './doctor/command.js';
import { didYouMean, UsageError } from './usage.js';

const USAGE = `npx securemem doctor        what this machine allows, and what to do about each limit
npx securemem conformance   prove a backend

Each of them explains itself with --help. --version tells the version of this program.
`;

const COMMANDS = ['doctor', 'conformance'];

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
    case '--version':
    case '-v':
      print(`${ownVersion()}\n`);
      return 0;
    case '--help':
    case '-h':
      print(USAGE);
      return 0;
    default:
      throw new UsageError(
        command === undefined
          ? 'no command given'
          : `no command ${command}${didYouMean(command, COMMANDS)}`,
      );
  }
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
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
