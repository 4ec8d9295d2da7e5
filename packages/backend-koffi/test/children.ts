import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childLimits } from '@securemem/proof';

/** What became of a child. `result` is the JSON of its last line. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly result: unknown;
  readonly stderr: string;
}

/** `null`: as privileged as we are. Otherwise without CAP_IPC_LOCK and under this lock limit, soft and hard. */
export type LockLimitOfChild = null | { readonly soft: number; readonly hard: number };

function confine(limit: LockLimitOfChild): string[] {
  if (limit === null) return [];
  const memlock = `--memlock=${limit.soft}:${limit.hard}`;
  return ['prlimit', memlock, 'setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'];
}

/** The lines that every program starts with. The child runs the built package, as users do. */
const PRELUDE = `
  import { createRequire } from 'node:module';
  import { readFileSync } from 'node:fs';
  const require = createRequire(${JSON.stringify(new URL('../package.json', import.meta.url))});
  const koffi = () => require('koffi');
  const { koffiBackend, hardenProcess } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url))});
  const say = (value) => console.log(JSON.stringify(value));
  const attempt = (run) => { try { run(); return 'done'; } catch (error) { return error.code ?? error.name; } };
  const status = (name) => Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'latin1'))[1]);
  const mappings = () => readFileSync('/proc/self/maps', 'latin1').split('\\n').length - 1;
`;

/**
 * Runs a program in a child of its own. It has `koffiBackend`, `hardenProcess`, `koffi()`, `say(json)`, `attempt(run)` (the
 * code of what was thrown), `status(name)` and `mappings()`.
 */
export function runChild(
  program: string,
  limit: LockLimitOfChild = null,
  nodeOptions: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): Ended {
  const node = [process.execPath, ...nodeOptions, '--input-type=module', '-e', PRELUDE + program];
  const [command, ...rest] = [...confine(limit), ...before, ...node] as [string, ...string[]];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const child = spawnSync(command, rest, {
    ...childLimits(),
    cwd,
    env: { ...process.env, ...environment },
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
