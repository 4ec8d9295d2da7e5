import { createAllocator } from '@securemem/core';
import { RecordingBackend } from '../model/recorder.mjs';

/**
 * A library that keeps what it was shown and goes on writing to it, while the memory goes to the next owner in each of the
 * ways that there are: Z2, Z3, Z5, Z6 and Z7. With `revoke: false` revocation is taken out, to see that it is missed.
 */

/** @typedef {import('@securemem/core').Secret} Secret */
/** @typedef {import('@securemem/core').Allocations} Space */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const SMALL = 200;
const SMALL_BYTE_LENGTH = 64;
const LARGE_BYTE_LENGTH = 65_536;
const LIMIT_BYTE_LENGTH = 64 * 1_048_576;
const LANES = 5;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** One library, one allocator, and what came of the two. */
class Stress {
  /** @type {Uint8Array[]} views of what has an end by now */
  #kept = [];
  corrupted = 0;
  /** Views of something gone that still have a length. */
  shown = 0;

  /** @param {import('@securemem/core').Allocator} memory */
  constructor(memory) {
    this.memory = memory;
  }

  /** Two hundred small secrets and a large one, which the library then writes to if it can. @param {Space} space */
  fill(space) {
    const large = space.allocateSync(LARGE_BYTE_LENGTH);
    large.write((bytes) => bytes.fill(0xcc));
    const small = space.allocateAllSync(Array.from({ length: SMALL }, () => SMALL_BYTE_LENGTH));
    for (const secret of small) secret.write((bytes) => bytes.fill(0x11));
    this.#scribble();
    this.check(large, 0xcc, LARGE_BYTE_LENGTH);
    for (const secret of small) this.check(secret, 0x11, SMALL_BYTE_LENGTH);
    return [large, ...small];
  }

  /** @param {Secret} secret @param {number} value @param {number} byteLength */
  check(secret, value, byteLength) {
    const whole = secret.read((bytes) =>
      bytes.subarray(0, byteLength).every((byte) => byte === value),
    );
    if (!whole) this.corrupted++;
  }

  /** What the library is shown of secrets that end next. @param {readonly Secret[]} secrets */
  show(secrets) {
    return secrets.map((secret) => secret.write((bytes) => bytes));
  }

  /** They have ended; the library still has its views. @param {Uint8Array[]} views */
  keep(views) {
    this.#kept = views;
  }

  /** Runs one cycle; a canary that was hit counts as corruption too. @param {() => Promise<void>} cycle */
  async survive(cycle) {
    try {
      await cycle();
    } catch (error) {
      const errors = error instanceof AggregateError ? error.errors : [error];
      if (errors.some(({ code }) => code !== 'ERR_SECMEM_CANARY_MISMATCH')) throw error;
      this.corrupted += errors.length;
    }
  }

  #scribble() {
    for (const view of this.#kept) {
      if (view.length > 0) this.shown++;
      // One byte more than there is: a write past the end of a typed array must go nowhere as well.
      for (let i = 0; i <= view.length; i++) view[i] = 0xee;
    }
  }
}

/** @param {Stress} stress @param {(phase: Space) => unknown} [leave] @param {object} [options] */
async function phaseOf(stress, leave = () => undefined, options = {}) {
  /** @type {Uint8Array[]} */
  let views = [];
  await stress.memory
    .phase(async (phase) => {
      const secrets = stress.fill(phase);
      views = stress.show(secrets);
      return leave(phase);
    }, options)
    .catch((error) => {
      if (error.message !== 'left') throw error;
    });
  stress.keep(views);
}

/** How the memory of one cycle goes to the next. @type {Record<string, (stress: Stress, cycle: number) => Promise<void>>} */
const WAYS = {
  /** A phase returns. */
  Z2: (stress) => phaseOf(stress),

  /** Secrets grow and move; others take the places where they were. */
  async Z3(stress) {
    const secrets = stress.fill(stress.memory);
    const views = stress.show(secrets);
    for (const secret of secrets) secret.resize(secret.byteLength + 1_000);
    stress.keep(views);
    for (const secret of stress.fill(stress.memory)) secret.dispose();
    for (const [i, secret] of secrets.entries()) {
      if (i === 0) stress.check(secret, 0xcc, LARGE_BYTE_LENGTH);
      else stress.check(secret, 0x11, SMALL_BYTE_LENGTH);
      secret.dispose();
    }
  },

  /** Phases are left by return, throw, rejection and abort in turn. */
  async Z5(stress, cycle) {
    const left = new Error('left');
    const abort = new AbortController();
    const leave = [
      () => undefined,
      () => {
        throw left;
      },
      () => turn().then(() => Promise.reject(left)),
      () => {
        abort.abort(left);
        return new Promise(() => {});
      },
    ][cycle % 4];
    await phaseOf(stress, leave, { signal: abort.signal });
  },

  /** Phases interleave at await. */
  async Z6(stress) {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let i = 0; i < lane; i++) await turn();
      await phaseOf(stress, turn);
    });
    await Promise.all(lanes);
  },

  /** Each secret is disposed, and its slot is somebody else's at once. */
  async Z7(stress) {
    const secrets = stress.fill(stress.memory);
    const views = stress.show(secrets);
    for (const secret of secrets) secret.dispose();
    stress.keep(views);
  },
};

/** @param {Context} context */
export async function retained({ open, options }) {
  const inner = open();
  const views = inner.capabilities.views === 'revocable';
  const broken = options.revoke ? undefined : 'close';
  const limitByteLength = LIMIT_BYTE_LENGTH;
  const memory = createAllocator({
    backend: new RecordingBackend(inner, { limitByteLength, views, broken }),
    exitHooks: false,
    // Nothing is given back to the system: a view that was not revoked would then kill instead of corrupt.
    idleMs: 1_000_000,
  });
  const stress = new Stress(memory);
  const way = WAYS[options.way];
  if (way === undefined) throw new RangeError(options.way);
  for (let cycle = 0; cycle < options.cycles; cycle++) {
    await stress.survive(() => way(stress, cycle));
  }
  const { corrupted, shown } = stress;
  return { corrupted, shown };
}
