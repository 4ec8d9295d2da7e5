/**
 * The process of one subject in one mode: `node --expose-gc latency-process.mjs TASK`. It prints one JSON object.
 *
 * @typedef {object} Task
 * @property {string} subject
 * @property {import('@securemem/core').AtRest} atRest
 * @property {number} samples of each operation
 * @property {number} secrets live at the same time when locked bytes are counted
 *
 * @typedef {object} Percentiles nanoseconds for one operation
 * @property {number} p50
 * @property {number} p99
 * @property {number} together operations between two looks at the clock
 *
 * @typedef {object} Told
 * @property {Record<string, Percentiles>} operations
 * @property {Record<string, string>} failed why an operation is not there
 * @property {number} [lockedByteLengthPerSecret] as the kernel counts it
 */
import { createAllocator } from '@securemem/core';
import { openBackend } from '../backends.mjs';
import { quantile } from '../published/page/words.mjs';
import { lockedByteLength } from '../scale/kernel-facts.mjs';
import {
  byteLength,
  operationNames,
  operationsOf,
  operationsOfBuffer,
  togetherMax,
} from './operations.mjs';

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? '');
process.stdout.write(
  JSON.stringify(await (task.subject === 'buffer' ? ofBuffer() : ofAllocator())),
);

/** @returns {Promise<Told>} */
async function ofBuffer() {
  /** @type {Buffer[]} */
  const held = [];
  const lockedByteLengthPerSecret = lockedBy(() => held.push(Buffer.alloc(byteLength)));
  return { lockedByteLengthPerSecret, ...(await measureAll(operationsOfBuffer())) };
}

/** @returns {Promise<Told>} */
async function ofAllocator() {
  try {
    const backend = await openBackend(task.subject);
    const options = { backend, atRest: task.atRest };
    const full = createAllocator(options);
    const lockedByteLengthPerSecret = lockedBy(() => full.randomSync(byteLength));
    await full.close();
    const memory = createAllocator(options);
    const turns = task.atRest !== 'accessible';
    const measured = await measureAll(operationsOf(memory, turns));
    await memory.close();
    backend[Symbol.dispose]();
    return { lockedByteLengthPerSecret, ...measured };
  } catch (error) {
    const reason = describe(error);
    return {
      operations: {},
      failed: Object.fromEntries(operationNames.map((name) => [name, reason])),
    };
  }
}

/** What the kernel has locked for each of many secrets. @param {() => unknown} add */
function lockedBy(add) {
  const before = lockedByteLength();
  for (let n = 0; n < task.secrets; n += 1) add();
  return (lockedByteLength() - before) / task.secrets;
}

/** @param {Record<string, () => import('./operations.mjs').Operation>} all */
async function measureAll(all) {
  /** @type {Pick<Told, 'operations' | 'failed'>} */
  const told = { operations: {}, failed: {} };
  for (const [name, prepare] of Object.entries(all)) {
    try {
      told.operations[name] = await measure(prepare());
    } catch (error) {
      told.failed[name] = describe(error);
    }
  }
  return told;
}

/**
 * The warm-up, which also lets the compiler see the loop, says how long one takes; of what takes less than a
 * microsecond as many are timed together as take about that, since the clock itself takes some tens of nanoseconds.
 * @param {import('./operations.mjs').Operation} operation @returns {Promise<Percentiles>}
 */
async function measure(operation) {
  const warm = await sample(operation, 1);
  const usual = quantile(warm.slice(warm.length >> 1), 0.5);
  const together = usual >= 1000 ? 1 : usual >= 200 ? 10 : togetherMax;
  const ns = await sample(operation, together);
  return { p50: quantile(ns, 0.5), p99: quantile(ns, 0.99), together };
}

/** @param {import('./operations.mjs').Operation} operation @param {number} count */
async function sample(operation, count) {
  globalThis.gc?.();
  /** @type {number[]} */
  const ns = new Array(task.samples).fill(0);
  for (let n = 0; n < task.samples; n += 1) {
    operation.before?.(count);
    // Pages that were opened to prepare it close before it begins.
    await undefined;
    const startedAt = process.hrtime.bigint();
    const running = operation.run(count);
    if (task.atRest !== 'accessible') await running;
    const endedAt = process.hrtime.bigint();
    await running;
    operation.after?.(count);
    ns[n] = Number(endedAt - startedAt) / count;
  }
  return ns;
}

/** @param {unknown} error */
function describe(error) {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${error.code}: ${error.message}` : error.message;
}
