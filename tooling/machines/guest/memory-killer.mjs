import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { retry } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';
import { mount } from './mount.mjs';
import { say } from './say.mjs';

/**
 * A keeper that outgrows its control group, killed by the kernel; and one that an operator kills. Without control groups in the end, where
 * nobody counts.
 */
const MEGABYTES = 320;
const GROUP = '/sys/fs/cgroup/box';

say({ uncounted: await endOf('SIGKILL') });
mount('cgroup2', '/sys/fs/cgroup');
writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory');
mkdirSync(GROUP);
writeFileSync(`${GROUP}/memory.max`, String(MEGABYTES * 2 ** 20));
if (existsSync(`${GROUP}/memory.swap.max`)) writeFileSync(`${GROUP}/memory.swap.max`, '0');
writeFileSync(`${GROUP}/cgroup.procs`, String(process.pid));

say({ operator: await endOf('SIGKILL') });
say({ kernel_: await endOf('grow') });
say({ events: readFileSync(`${GROUP}/memory.events`, 'latin1').trim().split('\n') });

/** How the keeper's end was judged. @param {'SIGKILL' | 'grow'} by */
async function endOf(by) {
  const keeper = await openKeeper({
    module: new URL('./greedy-keeper.mjs', import.meta.url),
    crashPolicy: retry({ restartsMax: 1, windowMs: 600_000 }),
    callMsMax: 300_000,
  });
  const crash = new Promise((resolve) => keeper.on('crash', resolve));
  const [pid] = new Uint32Array((await keeper.call('pid', new Uint8Array(0))).slice().buffer);
  const call = keeper
    .call(by === 'grow' ? 'grow' : 'wait', new Uint8Array(0))
    .catch((error) => error.code);
  if (by !== 'grow') process.kill(Number(pid), by);
  const { category, reason } = await crash;
  const code = await call;
  await keeper.close().catch(() => undefined);
  return { category, reason, code };
}
