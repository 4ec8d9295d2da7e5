import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeWithFfi } from '@securemem/launch/runtime';
import { childLimits } from '@securemem/proof';
import type { TestContext } from 'vitest';

/** What became of a child. `result` is the JSON of its last line. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly result: unknown;
  readonly stderr: string;
}

export interface ChildOptions {
  /** Without CAP_IPC_LOCK and under this lock limit; as privileged as we are where it is left out. */
  readonly memlock?: number;
  /** Of Node, before the program. */
  readonly execArgv?: readonly string[];
  /** Another Node than the one with `node:ffi`. */
  readonly program?: string;
}

/** The Node that has `node:ffi`. Skips the test, and says so, where there is none. */
export function node26(context: TestContext): string {
  const found = nodeWithFfi();
  if ('missing' in found) return context.skip(`not proven: ${found.missing}`);
  return found.program;
}

/** The lines that every program starts with. It runs the built package, as users do. */
const PRELUDE = `
  import * as modules from 'node:module';
  import { existsSync, readFileSync, readdirSync } from 'node:fs';
  const { ffiBackend, hardenProcess } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url))});
  const source = (name) => {
    modules.registerHooks({
      resolve(name, context, next) {
        try { return next(name, context); } catch (error) {
          if (!name.endsWith('.js')) throw error;
          return next(name.replace(/js$/, 'ts'), context);
        }
      },
    });
    return import(new URL(name, ${JSON.stringify(new URL('../../', import.meta.url))}));
  };
  const say = (value) => console.log(JSON.stringify(value));
  const attempt = (run) => { try { run(); return 'done'; } catch (error) { return error.code ?? error.name; } };
  const status = (name) => Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'latin1'))[1]);
  const descriptors = () => readdirSync('/proc/self/fd').length;
`;

/**
 * Runs a program in a child of its own. It has `ffiBackend`, `hardenProcess`, `source(path)` (a module of this package or one
 * beside it from its source, which Node 26 runs without its types), `say(json)`, `attempt(run)` (the code of what was
 * thrown), `status(name)` and `descriptors()`.
 */
export function runChild(
  context: TestContext,
  program: string,
  { memlock, execArgv = [], program: node = node26(context) }: ChildOptions = {},
): Ended {
  const confined =
    memlock === undefined
      ? []
      : [
          ...['prlimit', `--memlock=${memlock}:${memlock}`],
          ...['setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'],
        ];
  const line = [...confined, node, ...execArgv, '--input-type=module', '-e', PRELUDE + program];
  const [command, ...rest] = line as [string, ...string[]];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const child = spawnSync(command, rest, {
    ...childLimits(),
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const lastLine = child.stdout?.trim().split('\n').at(-1) ?? '';
  return {
    code: child.status,
    signal: child.signal,
    result: lastLine === '' ? undefined : JSON.parse(lastLine),
    stderr: child.stderr ?? String(child.error),
  };
}
