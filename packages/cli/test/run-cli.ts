import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Where the backends are installed. */
const HOME = fileURLToPath(new URL('..', import.meta.url));

/** The command line of the built program, for whoever puts something before it. */
export const cli = (...args: string[]): string[] => [process.execPath, MAIN, ...args];

/** Runs a command line as a shell would. */
export function run(line: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = HOME): Outcome {
  const [command, ...args] = line;
  const result = spawnSync(command as string, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  if (result.error !== undefined) throw result.error;
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}
