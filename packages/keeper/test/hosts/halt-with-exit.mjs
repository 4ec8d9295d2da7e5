// A host under halt({ exitHost: true }): node halt-with-exit.mjs <cause> <activity>. It lives until its keeper dies.

import { writeSync } from 'node:fs';
import { createAllocator, halt } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const [, , cause, activity] = process.argv;
const isSignal = cause.startsWith('SIG');
const payload = new TextEncoder().encode(cause);

const memory = createAllocator({ backend: nolockBackend() });
memory.randomSync(32);
process.on('exit', () => writeSync(1, `exit hook: secrets left ${memory.stats().secrets}\n`));

const kill = () => {
  if (isSignal) process.kill(keeper.stats().pid, cause);
};
const keeper = await openKeeper({
  module: new URL('../modules/subject.mjs', import.meta.url),
  crashPolicy: halt({ exitHost: true }),
  callMsMax: cause === 'SIGSTOP' ? 1_000 : 60_000,
  limits: {
    ...(cause === 'cpu limit' && { cpuSecondsMax: 1 }),
    ...(cause === 'heap exhaustion' && { heapByteLengthMax: 64 * 1024 * 1024 }),
  },
  host: {
    act: () => {
      kill();
      return new Promise(() => {});
    },
  },
});

if (activity === 'callback') {
  await keeper.call(isSignal ? 'callBack' : 'callBackAndDie', payload);
} else if (!isSignal) {
  await keeper.call(activity === 'busy' ? 'die' : 'dieIdle', payload);
} else if (activity === 'busy') {
  const open = keeper.call('hold');
  await keeper.call('spinSoon');
  kill();
  await open;
} else {
  kill();
  if (cause === 'SIGSTOP') await keeper.call('echo');
}
