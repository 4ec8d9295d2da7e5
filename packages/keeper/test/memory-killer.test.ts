import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { childLimits } from '@securemem/proof';
import { expect, it } from 'vitest';

const HOST = new URL('./hosts/hungry-keeper.mjs', import.meta.url).pathname;
const LIMIT_BYTE_LENGTH = 256 * 1_024 * 1_024;

/** By version of control groups: where a group is made, and the files of its limits. */
const KINDS = [
  { folder: '/sys/fs/cgroup/memory', limits: ['memory.limit_in_bytes'] },
  { folder: '/sys/fs/cgroup', limits: ['memory.max', 'memory.swap.max'] },
];

/** A group in which memory is short, or why there is none. */
function shortOfMemory(): { path: string } | { reason: string } {
  let reason = 'this system has no control groups';
  for (const { folder, limits } of KINDS) {
    if (!existsSync(`${folder}/cgroup.procs`)) continue;
    const path = `${folder}/securemem-test-${process.pid}`;
    try {
      mkdirSync(path);
      if (!existsSync(`${path}/${limits[0]}`)) throw new Error('the memory controller is off');
      for (const limit of limits) {
        const value = limit === 'memory.swap.max' ? 0 : LIMIT_BYTE_LENGTH;
        if (existsSync(`${path}/${limit}`)) writeFileSync(`${path}/${limit}`, String(value));
      }
      return { path };
    } catch (error) {
      reason = `no control group can be made here: ${(error as Error).message}`;
      if (existsSync(path)) rmdirSync(path);
    }
  }
  return { reason };
}

it('KS11 a keeper that the kernel kills because memory ran out is a matter of resources, and one that others kill is not', {
  timeout: 120_000,
}, (ctx) => {
  const group = shortOfMemory();
  if ('reason' in group) return ctx.skip(`not proven: ${group.reason}`);
  const enter = `echo $$ > ${group.path}/cgroup.procs && exec "$0" "$1"`;
  const { stdout, stderr } = spawnSync('sh', ['-c', enter, process.execPath, HOST], {
    ...childLimits(),
    encoding: 'utf8',
  });
  try {
    expect(stderr).toBe('');
    const [killed, starved] = JSON.parse(stdout);
    expect(killed).toMatchObject({ category: 'external-kill', signal: 'SIGKILL' });
    expect(starved).toMatchObject({
      category: 'resource',
      signal: 'SIGKILL',
      decision: 'terminate',
    });
    expect(starved.reason).toMatch(/memory of its control group ran out/);
  } finally {
    // Who is in it has ended, but the kernel may take a moment.
    while (readFileSync(`${group.path}/cgroup.procs`, 'utf8') !== '');
    rmdirSync(group.path);
  }
});
