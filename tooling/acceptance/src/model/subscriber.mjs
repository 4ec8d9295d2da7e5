import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { checkCounts } from './checks.mjs';

/** Every channel on which an allocator says something in the life of the model. */
const CHANNELS = [
  ...['start', 'error', 'asyncEnd'].map((event) => `tracing:securemem:wait:${event}`),
  ...['release-failed', 'protection-failed', 'quarantine', 'corruption', 'purge'].map(
    (event) => `securemem:${event}`,
  ),
];

/** What a subscriber does to the allocator that it hears of. None of them touches what the step under way works on. */
const DEEDS = {
  abort(w, { at }) {
    w.pick([...w.waiting], at)?.controller.abort('aborted');
  },

  dispose(w, { at }) {
    const known = w.pick(
      w.live.filter((one) => one.leases.length === 0 && !w.picked.has(one)),
      at,
    );
    if (known === undefined) return;
    known.secret.dispose();
    w.forget(known);
  },

  allocate(w, { at, byteLength }) {
    const owner = w.owner(at);
    const { value } = w.attemptNow(() => owner.space.allocateSync(byteLength));
    if (value !== undefined) w.know(value, owner);
  },

  wait(w, { at, byteLength }) {
    if (w.waiting.size < 8) w.request(w.owner(at), byteLength);
  },

  seal(w, { at }) {
    const known = w.pick(
      w.live.filter((one) => one.leases.length === 0 && !w.picked.has(one)),
      at,
    );
    if (known === undefined) return;
    const { value } = w.attemptNow(() => known.secret.seal());
    if (value === undefined) return;
    w.forget(known);
    w.sealed.push({ sealed: value, content: known.content, dead: false });
  },

  purge: (w) => w.purge(),

  verify: (w) => w.memory.verify(),

  close: (w) => w.close(),

  throw() {
    throw THROWN;
  },
};
const NAMES = Object.keys(DEEDS);

/** What a subscriber throws. Node makes an uncaught exception of it, a tick later. */
const THROWN = new Error('thrown by a subscriber');
process.on('uncaughtException', (error) => {
  if (error === THROWN) return;
  // With its cause, which says what differed.
  process.stderr.write(`${inspect(error)}\n`);
  process.exit(1);
});

/** Somebody who listens to every channel, and at some messages does what was planned. */
export class Subscriber {
  /** Deeds done, ever. */
  deeds = 0;
  /** Of which kinds. */
  kinds = {};
  #world;
  #plans = [];

  constructor(world) {
    this.#world = world;
  }

  /** Plans a deed for the next message of a channel, or of any. */
  plan({ at, other, byteLength, flag }) {
    if (this.#plans.length === 0) for (const name of CHANNELS) subscribe(name, this.#hear);
    const channel = flag ? undefined : CHANNELS[at % CHANNELS.length];
    this.#plans.push({ channel, deed: NAMES[other % NAMES.length], at, byteLength });
  }

  /** Listens no more. */
  leave() {
    this.#plans.length = 0;
    for (const name of CHANNELS) unsubscribe(name, this.#hear);
  }

  #hear = (_message, name) => {
    const i = this.#plans.findIndex(({ channel = name }) => channel === name);
    if (i < 0) return;
    const [plan] = this.#plans.splice(i, 1);
    if (this.#plans.length === 0) this.leave();
    const world = this.#world;
    if (world.closing !== undefined) return;
    this.deeds++;
    this.kinds[plan.deed] = (this.kinds[plan.deed] ?? 0) + 1;
    // What is planned to fail is for the step under way.
    world.faulty.heal();
    try {
      checkCounts(world);
      DEEDS[plan.deed](world, plan);
    } catch (error) {
      if (error === THROWN) throw error;
      world.unexpected.push(error);
    }
  };
}
