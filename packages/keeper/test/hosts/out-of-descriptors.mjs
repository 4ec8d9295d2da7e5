// ulimit -n 60; node out-of-descriptors.mjs <open|restart>: a busy server without a free descriptor. It prints what became of
// its keeper, and lives.
import { closeSync, openSync } from 'node:fs';
import { CRASH_CATEGORIES, retry, terminate } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';

const module = new URL('../modules/probe.mjs', import.meta.url);
const held = [];
function takeAll() {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {}
}
function giveBack() {
  for (const descriptor of held.splice(0)) closeSync(descriptor);
}
const told = [];
process.on('uncaughtException', (error) => told.push(`uncaught ${error.message}`));

if (process.argv[2] === 'open') {
  const spare = Number(process.argv[3]);
  takeAll();
  for (let n = 0; n < spare; n++) closeSync(held.pop());
  await openKeeper({ module, crashPolicy: terminate() }).then(
    (keeper) => keeper.close().then(() => told.push('opened')),
    ({ code, details }) => told.push(`${code} ${details.crash.category}`),
  );
} else {
  const backoff = { baseMs: 20, capMs: 20 };
  const crashPolicy = retry({
    restartsMax: 100,
    backoff,
    categories: CRASH_CATEGORIES,
    retryShutdowns: true,
  });
  const keeper = await openKeeper({ module, crashPolicy });
  let failures = 0;
  const failed = new Promise((resolve) => {
    keeper.on('crash', ({ category }) => {
      if (category === 'spawn' && ++failures === 3) resolve();
    });
  });
  takeAll();
  const holdsThem = new Promise((resolve) => keeper.on('crash', resolve));
  process.kill(keeper.stats().pid, 'SIGKILL');
  await holdsThem;
  takeAll();
  await failed;
  giveBack();
  const [echoed] = await keeper.call('echo', new Uint8Array([9]));
  told.push(`restarted ${echoed}`);
  await keeper.close();
}
giveBack();
console.log(told.join('; '));
