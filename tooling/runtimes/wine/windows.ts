import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from '@securemem/launch/runtime';
import type { TestContext } from 'vitest';
import { missingProgram, wineEnvironment } from '../src/run-suite.mjs';
import { RUNTIMES } from '../src/runtimes.mjs';

const found = RUNTIMES.find(({ target }) => target === 'win32-x64');
if (found === undefined) throw new Error('no runtime for Windows');
const windows = found;
const program = join(cache, 'programs', windows.spec.replaceAll(/[@/]/g, '_'), windows.program);

/** Where the packages are installed as they are published, for Windows. */
export const project = join(cache, 'projects', windows.target);

/** Skips the test, and says so, where Wine or what is run under it is missing. */
export function needsWindows(ctx: TestContext, backend: string): void {
  const missing = missingProgram(windows);
  if (missing !== undefined) ctx.skip(`not proven: ${missing} is not installed`);
  if (!existsSync(program) || !existsSync(join(project, `open-${backend}.mjs`))) {
    ctx.skip('not proven: npm run test:runtimes has not fetched Node for Windows');
  }
  if (process.getuid?.() !== 0) ctx.skip('not proven: dropping CAP_IPC_LOCK needs root');
}

/**
 * Runs a file of the project under Wine, without CAP_IPC_LOCK and under a lock limit in bytes. Its second argument is the
 * file that it writes its result to, since Wine has no working pipes for Node: that result, and how the program ended.
 */
export function runUnderWine(
  file: string,
  memlockByteLength: number,
  [first = '', ...more]: readonly string[],
): { status: number | null; said: unknown } {
  const output = join(project, `${file}-${first}.json`);
  rmSync(output, { force: true });
  const limit = `--memlock=${memlockByteLength}:${memlockByteLength}`;
  const confined = ['setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'];
  const line = [limit, ...confined, 'wine', program, file, first, output, ...more];
  const { status } = spawnSync('prlimit', line, {
    cwd: project,
    stdio: 'ignore',
    env: { ...process.env, ...wineEnvironment },
    timeout: 150_000,
  });
  const said = existsSync(output) ? JSON.parse(readFileSync(output, 'utf8')) : undefined;
  return { status, said };
}
