import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childLimits } from '@securemem/proof';

/** What became of a child. `result` is the JSON of its last line. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly result: unknown;
  readonly stderr: string;
}

export interface ChildOptions {
  /** Without CAP_IPC_LOCK and under this lock limit, soft and hard, in bytes. */
  readonly memlock?: readonly [soft: number, hard: number];
  readonly nodeOptions?: readonly string[];
  readonly cwd?: string;
  /** A command that runs the child, such as `prlimit --core=unlimited`. */
  readonly wrapper?: readonly string[];
}

/** The lines that every program starts with. The child runs the built package, as users do. */
const PRELUDE = `
  import { readFileSync } from 'node:fs';
  import { Worker } from 'node:worker_threads';
  import { createRequire } from 'node:module';
  const require = createRequire(${JSON.stringify(new URL('../package.json', import.meta.url))});
  const packageUrl = ${JSON.stringify(new URL('../dist/index.js', import.meta.url))};
  const { napiBackend, hardenProcess } = await import(packageUrl);
  const say = (value) => console.log(JSON.stringify(value));
  const attempt = (run) => {
    try { run(); return 'done'; } catch (error) { return error.code ?? error.name; }
  };
  const status = (name) =>
    Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'latin1'))[1]);
  const mappings = () => readFileSync('/proc/self/maps', 'latin1').split('\\n').length - 1;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
`;

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

function commandOf(program: string, options: ChildOptions): [string, ...string[]] {
  const { memlock, nodeOptions = [], wrapper = [] } = options;
  const confined =
    memlock === undefined
      ? []
      : [
          'prlimit',
          `--memlock=${memlock[0]}:${memlock[1]}`,
          'setpriv',
          '--bounding-set=-ipc_lock',
          '--inh-caps=-ipc_lock',
        ];
  const node = [process.execPath, ...nodeOptions, '--input-type=module', '-e', PRELUDE + program];
  return [...wrapper, ...confined, ...node] as [string, ...string[]];
}

/**
 * Runs a program in a child of its own. It has `napiBackend`, `hardenProcess`, `packageUrl`, `say(json)`, `attempt(run)` (the
 * code of what was thrown), `status(name)` and `mappings()`.
 */
export function runChild(program: string, options: ChildOptions = {}): Ended {
  const [command, ...rest] = commandOf(program, options);
  const child = spawnSync(command, rest, {
    ...childLimits(),
    cwd: options.cwd ?? PACKAGE,
    encoding: 'utf8',
  });
  const lastLine = child.stdout?.trim().split('\n').at(-1) ?? '';
  return {
    code: child.status,
    signal: child.signal,
    result: lastLine === '' ? undefined : JSON.parse(lastLine),
    stderr: child.stderr ?? String(child.error),
  };
}

/** A child that talks: each line of its output is JSON, each `tell` is a line for it to read. */
export class Conversation {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor(program: string, options: ChildOptions = {}) {
    const [command, ...rest] = commandOf(program, options);
    this.child = spawn(command, rest, { cwd: options.cwd ?? PACKAGE });
    this.child.stderr.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    this.ended = once(this.child, 'exit');
    this.#lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async hear(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the child ended: ${this.#stderr}`);
    return JSON.parse(value);
  }

  tell(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }
}
