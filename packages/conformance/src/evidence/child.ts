import {
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ownProperties } from '@securemem/core/contract';
import { childUrl } from '../child-url.js';
import { NotProven } from './evidence.js';
import { outOfTime } from './out-of-time.js';

export interface ChildEnd {
  readonly result: unknown;
  /** It said that it was about to do the dangerous thing. */
  readonly ready: boolean;
  readonly signal: NodeJS.Signals | null;
  readonly exitCode: number | null;
  readonly pid: number;
}

/** How a child ended, as the end of a sentence. */
export function endOf({ signal, exitCode }: Pick<ChildEnd, 'signal' | 'exitCode'>): string {
  return signal === null ? `ended with exit code ${exitCode}` : `died by ${signal}`;
}

export interface ChildOptions {
  /** How long the child may take before it is ended. */
  readonly timeLimitMs: number;
  /** Commands that start the command that follows them, such as `prlimit`. */
  readonly launcher?: readonly string[];
  readonly cwd?: string;
  /** Variables that it gets beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs one scene of `child/main.mjs` and reports how it ended. */
export async function runChild(
  module: URL,
  scene: string,
  parameters: object,
  options: ChildOptions,
): Promise<ChildEnd> {
  const { launcher = [], timeLimitMs, environment, ...place } = ownProperties(options, 'options');
  const main = fileURLToPath(childUrl('main'));
  const line = [
    ...launcher,
    process.execPath,
    main,
    module.href,
    scene,
    JSON.stringify(parameters),
  ];
  const [command = '', ...rest] = line;
  // Without a prototype, here and wherever the suite starts a process: Node reads a shell and an environment through it.
  const spawnOptions: SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioPipe> = {
    ...place,
    stdio: ['ignore', 'pipe', 'pipe'],
    // biome-ignore lint/style/noProcessEnv: a child needs what this process needs
    ...(environment === undefined ? {} : { env: { ...process.env, ...environment } }),
  };
  const child = spawn(command, rest, ownProperties(spawnOptions, 'options'));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeLimitMs);
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const end = await new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(new NotProven(`${command} cannot be started (${error.code})`)),
      );
      child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    },
  ).finally(() => clearTimeout(timer));
  if (late) throw await outOfTime(`the process that ran ${nameOf(scene, parameters)}`, timeLimitMs);
  const answers = output.split('\n').filter(Boolean).map(parse);
  const last = ownProperties<Record<string, unknown>>(Object.assign({}, ...answers), 'answers');
  if (typeof last['notProven'] === 'string') throw new NotProven(last['notProven']);
  if (typeof last['error'] === 'string') throw new Error(`a child failed: ${last['error']}`);
  if (answers.length === 0 && end.signal === null) {
    throw new Error(`a child ended with exit code ${end.exitCode}: ${complaints.slice(-2000)}`);
  }
  return { result: last['result'], ready: last['ready'] === true, pid: child.pid ?? 0, ...end };
}

/** The scene, or the task where the scene is only its stage. */
function nameOf(scene: string, parameters: object): string {
  const { name } = parameters as { readonly name?: unknown };
  return typeof name === 'string' ? `the task ${name}` : `the scene ${scene}`;
}

/** Backends may print; only the lines that are answers count. */
function parse(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
