import { createAllocator } from '@securemem/core';
import { createFakeKernel, fakeBackend, faultyBackend } from '@securemem/core/testing';
import fc from 'fast-check';
import { ACTIONS } from '../model/actions.mjs';
import { check } from '../model/checks.mjs';
import { demand } from '../model/demands.mjs';
import { RecordingBackend } from '../model/recorder.mjs';
import { step } from '../model/steps.mjs';
import { World } from '../model/world.mjs';

const STEPS_PER_RUN_MAX = 100;
/** Lengths are drawn evenly; less than half of the longest, so that one round usually is enough. */
const STEPS_PER_RUN_MEAN = 36;
/** Few, so that requests have to wait; at the end there is room for everything. */
const PAGES_AT_FIRST = 4;
const PAGES_AT_THE_END = 16;
/** Of looking again whether the clock let somebody in; it tries every 10 to 250 ms. */
const CLOCK_MS = 20;
const CLOCK_TRIES_MAX = 40;

/**
 * Random interleavings against a model, in many runs, each with an allocator of its own. What fails is shrunk and thrown with
 * its seed and its steps.
 */
export async function againstTheModel({ open, options }) {
  return hold(open(), createFakeKernel(), options);
}

/** The same over simulated memory, which also notices what real memory would punish. */
export async function theFakeAgainstTheModel({ options }) {
  const kernel = createFakeKernel();
  return hold(fakeBackend({ kernel }), kernel, options);
}

async function hold(inner, kernel, options) {
  const total = { steps: 0, faults: 0, quarantined: 0, waits: 0, kinds: {}, deeds: {} };
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: STEPS_PER_RUN_MAX, size: 'max' }),
    (steps) => run({ inner, kernel }, steps, options, total),
  );
  const { path } = options;
  // Lengths are drawn, so no number of runs promises a number of steps: go on until there are as many as asked for.
  for (let { seed } = options; total.steps < options.steps; seed++) {
    const numRuns = Math.ceil((options.steps - total.steps) / STEPS_PER_RUN_MEAN);
    const details = await fc.check(property, {
      numRuns,
      seed,
      ...(path === undefined ? {} : { path, endOnFailure: true }),
    });
    if (details.failed) throw failureOf(details);
    if (path !== undefined) break;
  }
  inner[Symbol.dispose]();
  total.timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  return total;
}

/** The shortest list of steps that fails, without what the steps do not use. */
function failureOf({ seed, counterexamplePath, counterexample, errorInstance }) {
  const steps = (counterexample?.[0] ?? []).map(({ do: what, fault, flag, ...rest }) =>
    [
      what,
      ...Object.values(rest),
      ...(flag ? ['flag'] : []),
      ...(fault === undefined ? [] : [`${fault.operation} fails at ${fault.on}`]),
    ].join(' '),
  );
  return new Error(`seed ${seed}, path ${counterexamplePath}\n${steps.join('\n')}`, {
    cause: errorInstance,
  });
}

/** One run: an allocator lives, is checked after every step, and ends with nothing left. */
async function run({ inner, kernel }, steps, { atRest, views, broken }, total) {
  const limitByteLength = PAGES_AT_FIRST * inner.pageByteLength;
  const recorder = new RecordingBackend(inner, { limitByteLength, views, broken });
  const faulty = faultyBackend(recorder);
  const memory = createAllocator({
    backend: faulty,
    atRest,
    exitHooks: false,
    quarantineMax: 4,
    // Regions go back when somebody needs them, not by the clock: a seed then tells the whole story.
    idleMs: 1_000_000,
  });
  const world = new World(memory, faulty, recorder);
  try {
    for (const s of steps) {
      world.begin(s.fault);
      try {
        await ACTIONS[s.do](world, s);
      } catch (error) {
        if (!world.mayCome(error)) throw error;
      }
      total.steps++;
      total.kinds[s.do] = (total.kinds[s.do] ?? 0) + 1;
      if (world.closing !== undefined) break;
      await world.settle();
      check(world);
    }
    world.subscriber.leave();
    for (const [deed, count] of Object.entries(world.subscriber.kinds)) {
      total.deeds[deed] = (total.deeds[deed] ?? 0) + count;
    }
    total.faults += world.faults;
    total.quarantined += memory.stats().events.quarantine;
    total.waits += memory.stats().admission.waits;
    await (world.closing === undefined ? end(world) : endClosed(world));
  } finally {
    world.subscriber.leave();
    faulty.heal();
    for (const { controller } of world.waiting) controller.abort('the run ended');
    for (const { finish } of world.phases) finish();
    for (const { lease } of [...world.orphans, ...world.live.flatMap(({ leases }) => leases)]) {
      lease.release();
    }
    await memory.close({ waitMsMax: 1_000 });
    const violations = kernel.violations.splice(0);
    faulty.releaseAliases();
    recorder.clear();
    kernel.violations.length = 0;
    demand(violations.length === 0, violations.join());
  }
}

/** Everything is given back, and nothing is left. */
async function end(world) {
  const { memory, recorder } = world;
  const at = { at: 0, flag: true, fault: undefined };
  while (world.live.some(({ leases }) => leases.length > 0)) await ACTIONS.release(world, at);
  while (world.orphans.length > 0) await ACTIONS.release(world, { ...at, flag: false });
  while (world.phases.length > 0) await ACTIONS.endPhase(world, { ...at, other: 0 });
  if (world.live.length > 0) {
    await disposeAll(world);
    await demandServed(world);
  }
  recorder.limitByteLength = PAGES_AT_THE_END * recorder.pageByteLength;
  for (const { controller } of world.waiting) controller.abort('aborted');
  await new Promise((resolve) => setImmediate(resolve));
  await world.settle();
  await disposeAll(world);
  for (const { sealed } of world.sealed) sealed.dispose();
  check(world);
  const { slots } = memory.stats().quarantine;
  const { byteLengthLeftMapped } = await memory.close();
  demand(byteLengthLeftMapped === recorder.mappedByteLength, 'close() reports other bytes');
  demand(slots > 0 || byteLengthLeftMapped === 0, 'close() leaves something mapped');
}

/** A subscriber closed the allocator: nothing is granted any more, and it ends when the last lease has gone. */
async function endClosed(world) {
  const { memory, recorder, faulty } = world;
  faulty.heal();
  demand(memory.stats().secrets <= world.secretsAtClose, 'something was granted after close()');
  for (const { lease } of [...world.orphans, ...world.live.flatMap(({ leases }) => leases)]) {
    lease.release();
  }
  for (const { finish } of world.phases) finish();
  await new Promise((resolve) => setImmediate(resolve));
  const { byteLengthLeftMapped } = await world.closing;
  const { secrets, admission, openAccesses } = memory.stats();
  demand(secrets === 0 && openAccesses === 0, 'close() leaves a secret');
  demand(admission.waiting === 0 && world.waiting.size === 0, 'close() leaves somebody waiting');
  for (const { secret } of [...world.arrived, ...world.live]) {
    demand(secret.disposed, 'a secret outlives its allocator');
  }
  demand(byteLengthLeftMapped === recorder.mappedByteLength, 'close() reports other bytes');
  if (world.unexpected.length > 0) throw world.unexpected[0];
}

/** Whoever waits meanwhile is served and ends too. */
async function disposeAll(world) {
  while (world.live.length > 0) {
    while (world.live.length > 0) await ACTIONS.dispose(world, { at: 0, fault: undefined });
    await world.settle();
  }
}

/**
 * Nobody waits for what is free: the first in the queue, at least, must have got it. At once, unless the kernel was planned to
 * refuse something or its limit was changed, which is noticed by the clock.
 */
async function demandServed(world) {
  const tries = world.refusals > 0 || world.limitChanged ? CLOCK_TRIES_MAX : 0;
  for (let i = 0; i < tries && isDue(world); i++) {
    await new Promise((resolve) => setTimeout(resolve, CLOCK_MS));
    await world.settle();
  }
  demand(!isDue(world), 'everything is free and one waits');
}

function isDue({ memory, recorder, waiting, live }) {
  if (live.length > 0) return false;
  const [first] = waiting;
  const { quarantine, sealing } = memory.stats();
  // What is out of use stays mapped.
  if (first === undefined || quarantine.slots + quarantine.damagedSlots > 0) return false;
  // A canary of 8 bytes may stand after the content.
  const page = recorder.pageByteLength;
  const needed = Math.ceil((first.byteLength + 8) / page) * page;
  return needed <= recorder.limitByteLength - sealing.keyByteLength;
}
