// One cell of the crash matrix of a pool: a member of four dies while 200 calls are in flight.
// node pool-cell.mjs <cause> <activity> <policy> <log>
// It prints the processes as soon as they are there, since under one of the policies it ends itself; and at the end what became of all.
import { writeFileSync, writeSync } from 'node:fs';
import { CRASH_CATEGORIES, createAllocator, halt, retry, terminate } from '@securemem/core';
import { openKeeperPool } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const [, , cause, activity, policy, log] = process.argv;
const SIZE = 4;
const CALLS = 200;
const isSignal = cause.startsWith('SIG');
// A member that is stopped while it has nothing to do is noticed by the first call that it does not answer.
const isIdle = activity === 'idle' && cause !== 'SIGSTOP';

const policies = {
  halt: () => halt(),
  'halt with exit': () => halt({ exitHost: true }),
  terminate: () => terminate(),
  retry: () =>
    retry({
      restartsMax: 2,
      windowMs: 600_000,
      backoff: { baseMs: 2, capMs: 4 },
      categories: CRASH_CATEGORIES,
      retryShutdowns: true,
      then: terminate(),
    }),
};

const say = (value) => writeSync(1, `${JSON.stringify(value)}\n`);
const bytes = (text) => new TextEncoder().encode(text);

const memory = createAllocator({ backend: nolockBackend() });
memory.randomSync(32);
process.on('exit', () => say({ secretsLeft: memory.stats().secrets }));

let killed = false;
const pool = await openKeeperPool({
  module: new URL('../modules/subject.mjs', import.meta.url),
  size: SIZE,
  crashPolicy: policies[policy](),
  callMsMax: cause === 'SIGSTOP' ? 2_000 : 60_000,
  limits: {
    ...(cause === 'cpu limit' && { cpuSecondsMax: 1 }),
    ...(cause === 'heap exhaustion' && { heapByteLengthMax: 64 * 1024 * 1024 }),
  },
  host: {
    act: async (payload, { pid }) => {
      if (isSignal && !killed) process.kill(pid, cause);
      killed = true;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return payload;
    },
  },
});
const pids = () => pool.stats().members.map(({ pid }) => pid);
const first = pids();
say({ pids: first });
pool.on('restart', ({ pid }) => say({ pids: [pid] }));
const crash = new Promise((resolve) => pool.on('crash', resolve));

/** Leaves member 0 without a call, and tells it how to die once a file is there. */
async function setAside() {
  if (!isSignal) {
    for (let member = 1; member < SIZE; member++) await pool.drain(member);
    await pool.call('dieOnceThere', bytes(`${cause}\n${log}.now`));
    for (let member = 1; member < SIZE; member++) pool.resume(member);
  }
  await pool.drain(0);
}

function die() {
  if (isIdle) {
    if (isSignal) process.kill(first[0], cause);
    else writeFileSync(`${log}.now`, '');
  } else if (!isSignal) {
    pool.call(activity === 'callback' ? 'callBackAndDie' : 'die', bytes(cause)).catch(() => {});
  } else if (activity !== 'callback') {
    process.kill(first[pool.stats().members.findIndex(({ openCalls }) => openCalls > 0)], cause);
  }
}

if (isIdle) await setAside();
const operation = activity === 'callback' ? 'appendAndCallBack' : 'appendSlowly';
const calls = Array.from({ length: CALLS }, async (_, id) => {
  try {
    const payload = bytes(`${log}\n${id}`);
    const answer = await pool.call(operation, payload, { idempotent: id % 2 === 0 });
    return Buffer.from(answer).toString() === String(id) ? 'done' : 'the answer of another call';
  } catch (error) {
    return error.code ?? String(error);
  }
});
die();
const ends = await Promise.all(calls);
const { category, code, signal, activity: told } = await crash;
say({ pids: pids(), ends, crash: { category, code, signal, activity: told }, stats: pool.stats() });
await pool.kill();
