// A host that is away for longer than a call may take, in one phase of its event loop, while a call is open whose answer waits in the
// pipe: node away.mjs <phase> <milliseconds>. It prints what became of a keeper and of a pool of two.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs';
import { Server } from 'node:net';
import { openKeeper, openKeeperPool } from '@securemem/keeper';

const [, , phase, awayText] = process.argv;
const AWAY_MS = Number(awayText);
const CALL_MS_MAX = 1_000;
const module = new URL('../modules/probe.mjs', import.meta.url);
const openBoth = (options) =>
  Promise.all([
    openKeeper({ module, ...options }),
    openKeeperPool({ module, size: 2, ...options }),
  ]);

/** As long as a shell, a debugger or a long computation would: no turn of the loop. */
function block() {
  if (phase === 'jump' || phase === 'jump back') {
    jumpMs = phase === 'jump' ? 3_600_000 : -3_600_000;
  } else if (phase === 'stop') {
    const command = `kill -STOP ${process.pid}; sleep ${AWAY_MS / 1_000}; kill -CONT ${process.pid}`;
    spawn('/bin/sh', ['-c', command], { stdio: 'ignore', detached: true });
  } else {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AWAY_MS);
  }
}

// The clocks that JavaScript can see go by a hand of ours.
let jumpMs = 0;
const clocks = { now: performance.now.bind(performance), date: Date.now };
performance.now = () => clocks.now() + jumpMs;
Date.now = () => clocks.date() + jumpMs;

/** Each phase of libuv's loop, what runs between two of them, and what our own code calls in the middle of its work. */
const enter = {
  immediate: (then) => setImmediate(then),
  timer: (then) => setTimeout(then, 1),
  io: (then) => readFile(import.meta.filename ?? new URL(import.meta.url).pathname, then),
  closing: (then) => {
    const server = new Server();
    server.listen(0, '127.0.0.1', () => server.close(then));
  },
  tick: (then) => process.nextTick(then),
  microtask: (then) => queueMicrotask(then),
  'host function': (then, keeper) => {
    act = then;
    keeper.call('ask', new Uint8Array(new Uint32Array([1]).buffer)).catch(() => {});
  },
  answer: (then, keeper) => void keeper.call('echo').then(then),
  stop: (then) => setImmediate(then),
  jump: (then) => setImmediate(then),
  'jump back': (then) => setImmediate(then),
};
let act = () => {};

const crashes = [];
const turns = async (count) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setTimeout(resolve, 20));
};

const closeAll = (keepers) => Promise.all(keepers.map((keeper) => keeper.close()));

async function starting() {
  const opening = openBoth({ startMsMax: 3 * CALL_MS_MAX });
  block();
  await closeAll(await opening);
  return 'opened';
}

async function closing() {
  const keepers = await openBoth({ closeMsMax: CALL_MS_MAX, termMsMax: CALL_MS_MAX });
  await Promise.all(keepers.map((keeper) => keeper.call('echo')));
  const closed = closeAll(keepers);
  block();
  await closed;
  const [one, pool] = keepers;
  const ends = [one.stats(), ...pool.stats().members].map(
    ({ lastEndings: [{ code, signal }] }) => `${code} ${signal}`,
  );
  return `closed ${ends.join(', ')}`;
}

/** A call that no keeper has yet, since all of them are drained, must not be given up. */
async function waiting() {
  const pool = await openKeeperPool({ module, size: 2, callMsMax: CALL_MS_MAX });
  await Promise.all([pool.drain(0), pool.drain(1)]);
  const call = pool.call('echo', new Uint8Array([5]));
  await new Promise((resolve) => setImmediate(() => resolve(block())));
  await turns(5);
  pool.resume(1);
  const [answer] = await call;
  await pool.close();
  return `answered ${answer}`;
}

async function working() {
  const host = { act: () => void act() };
  const keepers = await openBoth({ callMsMax: CALL_MS_MAX, host });
  const [one, pool] = keepers;
  one.on('crash', ({ category }) => crashes.push(category));
  pool.on('crash', ({ category }) => crashes.push(category));
  // Of the pool each member has one.
  const calls = [one, pool, pool].map((keeper, n) => keeper.call('slow', new Uint8Array([n])));
  await new Promise((resolve) => enter[phase](() => resolve(block()), one));
  const answers = (await Promise.all(calls)).map(([answer]) => answer);
  // Twice what the judge needs to look, counted in turns that do come.
  await turns(20);
  for (const keeper of keepers) answers.push(...(await keeper.call('echo', new Uint8Array([3]))));
  await closeAll(keepers);
  return `answered ${answers.join(' ')}`;
}

const run = { start: starting, close: closing, wait: waiting }[phase] ?? working;
console.log(await run(), JSON.stringify(crashes));
