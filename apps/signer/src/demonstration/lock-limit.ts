import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Problem } from '../service/problem.js';

const run = promisify(execFile);

/** Changes the soft lock limit of a live process, as an operator would. The hard limit stays, so it can be raised again. */
export async function setLockLimit(pid: number, byteLength: number): Promise<void> {
  try {
    await run('prlimit', ['--pid', `${pid}`, `--memlock=${byteLength}:`]);
  } catch (error) {
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    const detail = missing ? 'prlimit is not installed here' : 'the system refuses this limit';
    throw new Problem(missing ? 501 : 409, 'lock-limit-unchanged', detail);
  }
}
