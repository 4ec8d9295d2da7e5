import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Confinement, confine, proveConfinement } from '@securemem/confined';
import type { TestContext } from 'vitest';
import { programOf, unavailable } from './backends.mjs';

export interface ScenarioOptions {
  /** RLIMIT_MEMLOCK in bytes; without it the limits of this process hold and nothing is confined. */
  readonly memlock?: number;
  readonly memlockHard?: number;
  readonly as?: Confinement['as'];
  /** Handed to the scenario. */
  readonly options?: Record<string, unknown>;
  /** Of Node, before the script. */
  readonly execArgv?: readonly string[];
}

export interface Outcome<T> {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly result: T;
  readonly unhandledRejections: number;
}

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));

/** Skips the test, and says so loudly, where the backend or the confinement cannot be had on this machine. */
export function needs(context: TestContext, backend: string, options: ScenarioOptions = {}): void {
  const reason = unavailable(backend);
  if (reason !== undefined) context.skip(`not proven: ${backend} cannot open here: ${reason}`);
  if (options.memlock === undefined) return;
  const proof = proveConfinement(confinementOf(options));
  if (!proof.proven) context.skip(`not proven: ${proof.reason}`);
}

/** Runs a scenario in a process of its own, confined if a limit is given, and returns what it said. */
export async function runScenario<T>(
  context: TestContext,
  where: string,
  backend: string,
  options: ScenarioOptions = {},
): Promise<Outcome<T>> {
  needs(context, backend, options);
  const node = [
    ...(options.execArgv ?? []),
    CHILD,
    where,
    backend,
    JSON.stringify(options.options ?? {}),
  ];
  const program = programOf(backend);
  const line =
    options.memlock === undefined
      ? { command: program, args: node }
      : confine(program, node, confinementOf(options));
  const child = spawn(line.command, line.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (c, s) => resolve([c, s]));
  });
  const said = stdout.startsWith('{"result"') ? JSON.parse(stdout) : {};
  return { code, signal, stdout, stderr, ...said };
}

function confinementOf({ memlock = 0, memlockHard, as = 'root' }: ScenarioOptions): Confinement {
  return {
    memlockByteLength: memlock,
    as,
    ...(memlockHard === undefined ? {} : { memlockHardByteLength: memlockHard }),
  };
}

/** The result of a scenario that must have ended well, with nobody's rejection unheard. */
export function ended<T>(outcome: Outcome<T>): T {
  const { code, signal, stderr, unhandledRejections } = outcome;
  if (code === 0 && signal === null && unhandledRejections === 0) return outcome.result;
  throw new Error(
    `the scenario ended with code ${code}, signal ${signal}, ${unhandledRejections} unhandled rejections\n${stderr}`,
  );
}
