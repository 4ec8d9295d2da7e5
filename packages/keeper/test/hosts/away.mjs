// A host that is away for longer than a call may take, in one phase of its event loop, while a call is open whose answer
// waits in the pipe: node away.mjs <immediate|timer|io|tick|microtask|stop|start|close>. It prints what became of its keeper.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs';
import { openKeeper } from '@securemem/keeper';

const [, , phase] = process.argv;
const CALL_MS_MAX = 1_000;
const module = new URL('../modules/probe.mjs', import.meta.url);

/** As long as a shell, a debugger or a long computation would: no turn of the loop. */
function block() {
  if (phase !== 'stop') {
    const until = performance.now() + 2 * CALL_MS_MAX;
    while (performance.now() < until);
    return;
  }
  const command = `kill -STOP ${process.pid}; sleep 2; kill -CONT ${process.pid}`;
  spawn('/bin/sh', ['-c', command], { stdio: 'ignore', detached: true });
}

const enter = {
  immediate: (then) => setImmediate(then),
  timer: (then) => setTimeout(then, 1),
  io: (then) => readFile(import.meta.filename ?? new URL(import.meta.url).pathname, then),
  tick: (then) => process.nextTick(then),
  microtask: (then) => queueMicrotask(then),
  stop: (then) => setImmediate(then),
};

const crashes = [];
async function run() {
  if (phase === 'start') {
    const opening = openKeeper({ module, startMsMax: CALL_MS_MAX });
    block();
    const keeper = await opening;
    await keeper.close();
    return 'opened';
  }
  const keeper = await openKeeper({
    module,
    callMsMax: CALL_MS_MAX,
    ...(phase === 'close' && { closeMsMax: CALL_MS_MAX, termMsMax: CALL_MS_MAX }),
  });
  keeper.on('crash', ({ category }) => crashes.push(category));
  if (phase === 'close') {
    await keeper.call('echo');
    const closing = keeper.close();
    block();
    await closing;
    const [{ code, signal }] = keeper.stats().lastEndings;
    return `closed ${code} ${signal}`;
  }
  const call = keeper.call('slow', new Uint8Array([5]));
  await new Promise((resolve) => enter[phase](() => resolve(block())));
  const [answer] = await call;
  // Twice what the judge needs to look, counted in turns that do come.
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 20));
  const [again] = await keeper.call('echo', new Uint8Array([6]));
  await keeper.close();
  return `answered ${answer} ${again}`;
}
console.log(await run(), JSON.stringify(crashes));
