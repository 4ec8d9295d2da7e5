// ssh-agent.mjs
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Gives a key to the agent of SSH, which `ssh`, `git` and `ssh2` then use. @param {import('@securemem/core').Secret} file as `fromFile` read it */
export async function addKey(file) {
  const child = spawn('ssh-add', ['-q', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const lease = file.lend();
  child.stdin.end(lease.bytes, () => lease.release());
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`ssh-add ended with ${code}`);
}
