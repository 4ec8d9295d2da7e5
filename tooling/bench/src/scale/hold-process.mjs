/**
 * The process that holds so many: `node --expose-gc hold-process.mjs TASK`. It prints one JSON object. How many it
 * holds at each moment is in the file of the task too, since a process that dies prints nothing.
 *
 * @typedef {object} Task
 * @property {string} subject
 * @property {number} count
 * @property {number} roundsMax
 * @property {number} msMax when to begin no further round
 * @property {string} [trace] file: follow each single allocation and write there how far it came
 *
 * @typedef {{ held: number, message: string }} Refusal
 * @typedef {object} Held what became of it
 * @property {number[]} addNs for each secret, one value for each round
 * @property {number[]} releaseNs
 * @property {number} lockedByteLength with all of them there
 * @property {number} mappings
 * @property {number | 'unlimited'} lockLimit
 * @property {Refusal} [refused] the error that ended it
 */
import { openSync, writeSync } from 'node:fs';
import { byteLength, holders } from './holders.mjs';
import { kernelFacts, lockedByteLength, lockLimitInForce } from './kernel-facts.mjs';

/** A round makes at least so many, in as many goes as that takes, so that ten are not measured by a cold loop. */
const roundCount = 1000;
const warmUpCount = 20_000;

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? '');
const open = holders[task.subject];
if (open === undefined) throw new Error(`nothing is called ${task.subject}`);
const before = kernelFacts();
const holder = await open(task.count);
// A source that is moved is wiped; the bytes do not matter here.
const source = new Uint8Array(new ArrayBuffer(byteLength)).fill(7);
process.stdout.write(
  JSON.stringify(task.trace === undefined ? await measure() : trace(task.trace)),
);
await holder.close();

/** @returns {Promise<Held>} */
async function measure() {
  await warmUp();
  /** @type {Held} */
  const held = { addNs: [], releaseNs: [], ...now(), lockLimit: lockLimitInForce() };
  const endsAt = performance.now() + task.msMax;
  do {
    const round = await measureRound();
    if ('refused' in round) return { ...held, ...round };
    held.addNs.push(round.addNs);
    held.releaseNs.push(round.releaseNs);
    held.lockedByteLength = Math.max(held.lockedByteLength, round.lockedByteLength);
    held.mappings = Math.max(held.mappings, round.mappings);
  } while (held.addNs.length < task.roundsMax && performance.now() < endsAt);
  return held;
}

/** What the kernel counts beyond what it did before anything was opened. */
function now() {
  const { lockedByteLength, mappings } = kernelFacts();
  return {
    lockedByteLength: lockedByteLength - before.lockedByteLength,
    mappings: mappings - before.mappings,
  };
}

async function measureRound() {
  const goes = Math.max(1, Math.floor(roundCount / task.count));
  let [adding, releasing] = [0n, 0n];
  let facts = now();
  for (let go = 0; go < goes; go += 1) {
    const startedAt = process.hrtime.bigint();
    const refused = add(task.count);
    adding += process.hrtime.bigint() - startedAt;
    if (go === 0 || refused !== undefined) facts = now();
    const releasingAt = process.hrtime.bigint();
    holder.release();
    releasing += process.hrtime.bigint() - releasingAt;
    if (refused !== undefined) return { ...facts, refused };
  }
  await settle();
  const secrets = goes * task.count;
  return { ...facts, addNs: Number(adding) / secrets, releaseNs: Number(releasing) / secrets };
}

/** @param {number} count @returns {Refusal | undefined} */
function add(count) {
  let held = 0;
  try {
    for (; held < count; held += 1) holder.add(source);
  } catch (error) {
    return { held, message: error instanceof Error ? describe(error) : String(error) };
  }
  return undefined;
}

/** @param {Error & { code?: unknown }} error */
function describe({ name, code, message }) {
  return `${typeof code === 'string' ? code : name}: ${message}`;
}

/** Lets the compiler see the loop, with no more secrets at a time than a small round has. */
async function warmUp() {
  const count = Math.min(task.count, roundCount);
  for (let done = 0; done < warmUpCount; done += count) {
    const refused = add(count);
    holder.release();
    if (done % roundCount < count) await turn();
    if (refused !== undefined) break;
  }
  await settle();
}

/** Finalizers run, and garbage goes, outside what is timed. */
async function settle() {
  globalThis.gc?.();
  await turn();
  await turn();
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * One after another, with a look at what the kernel has locked after each: says which was the first that was returned
 * though nothing more was locked.
 * @param {string} file
 * @returns {{ held: number, firstUnlocked?: number, refused?: Refusal }}
 */
function trace(file) {
  const descriptor = openSync(file, 'w');
  let locked = lockedByteLength();
  /** @type {number | undefined} */
  let firstUnlocked;
  let held = 0;
  const told = () => ({ held, ...(firstUnlocked === undefined ? {} : { firstUnlocked }) });
  while (held < task.count) {
    const refused = add(1);
    if (refused !== undefined) return { ...told(), refused: { ...refused, held } };
    held += 1;
    const lockedNow = lockedByteLength();
    if (lockedNow <= locked) firstUnlocked ??= held;
    locked = lockedNow;
    writeSync(descriptor, JSON.stringify(told()).padEnd(80), 0);
  }
  holder.release();
  return told();
}
