import { createAllocator } from '@securemem/core';

/** A secret that is lent twice, and somebody who takes the buffer of one lease or of both away: Z7 and X15. */

/** @typedef {import('@securemem/core').Allocator} Allocator */
/** @typedef {import('@securemem/core').Lease} Lease */
/** @typedef {import('@securemem/core').View} View */
/** @typedef {{ open: () => import('@securemem/core').MemoryBackend, options: any }} Context */

const PAGES = 4;
const TURNS_MAX = 2_000;
const NEXT = 0xee;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const collect = /** @type {() => void} */ (globalThis.gc);

/** How a buffer is taken away from whoever holds it. @type {Record<string, (bytes: any) => Promise<Uint8Array | undefined>>} */
const TAKES = {
  async stream(bytes) {
    const stream = new ReadableStream({
      type: 'bytes',
      start: (controller) => controller.enqueue(bytes),
    });
    const { value } = await stream.getReader().read();
    return value;
  },

  transfer: async (bytes) => new Uint8Array(bytes.buffer.transfer()),
};

/** An allocator of few pages, one secret in it that is lent twice, and the views of its leases. */
class Scene {
  /** @type {Uint8Array[]} what was taken and is still held */
  aliases = [];
  /** @type {View[]} */
  #views = [];

  /** @param {Context} context */
  constructor({ open, options: { byteLength, way, atRest, lies } }) {
    this.byteLength = byteLength;
    this.take = /** @type {(bytes: Uint8Array) => Promise<Uint8Array>} */ (TAKES[way]);
    const backend = open();
    this.memory = createAllocator({
      backend,
      atRest,
      exitHooks: false,
      idleMs: 1_000_000,
      budget: { lockedByteLengthMax: PAGES * backend.pageByteLength },
    });
    this.room = this.#dispose(this.fill());
    const openView = backend.openView.bind(backend);
    backend.openView = (...range) => {
      const view = openView(...range);
      if (lies) view.aliasAlive = () => false;
      this.#views.push(view);
      return view;
    };
    const secret = this.memory.allocateSync(byteLength);
    this.leases = [secret.lend(), secret.lend()];
    backend.openView = openView;
  }

  /** As many secrets as there is room for; the i-th is full of what `content` says. @param {(i: number) => number} content */
  fill(content = () => NEXT) {
    const secrets = [];
    try {
      for (;;) secrets.push(this.memory.allocateSync(this.byteLength));
    } catch (error) {
      if (/** @type {any} */ (error).kind !== 'capacity') throw error;
    }
    for (const [i, secret] of secrets.entries()) secret.write((bytes) => bytes.fill(content(i)));
    return secrets;
  }

  /** How many of those that are full of what `content` says are not. @param {any[]} secrets @param {(i: number) => number} content */
  damaged(secrets, content = () => NEXT) {
    return secrets.filter(
      (secret, i) =>
        !secret.read((/** @type {Uint8Array} */ bytes) =>
          bytes.every((byte) => byte === content(i)),
        ),
    ).length;
  }

  /** Ends a lease whose buffer was taken. @param {Lease | undefined} lease */
  release(lease) {
    try {
      lease?.release();
      return 'revoked';
    } catch (error) {
      return /** @type {any} */ (error).code;
    }
  }

  /** Core looks for what became free. */
  look() {
    try {
      this.memory.allocateSync(PAGES * 65_536);
    } catch {}
    return this.memory.stats().quarantine.slots;
  }

  /** Nobody holds anymore what was taken; returns when the backend knows, or cannot know. */
  async forget() {
    this.aliases.length = 0;
    for (let i = 0; i < TURNS_MAX; i++) {
      collect();
      await turn();
      if (!this.#views.some((view) => this.#taken.has(view) && view.aliasAlive() === true)) return;
    }
    throw new Error('what nobody holds is not garbage');
  }

  /** Takes the buffer of a lease away. @param {Lease | undefined} lease */
  async takeFrom(lease) {
    const bytes = /** @type {Lease} */ (lease).bytes;
    this.#taken.add(/** @type {View} */ (this.#views.find((view) => view.bytes === bytes)));
    this.aliases.push(await this.take(bytes));
  }

  /** @type {Set<View>} */
  #taken = new Set();

  /** @param {any[]} secrets */
  #dispose(secrets) {
    for (const secret of secrets) secret.dispose();
    return secrets.length;
  }

  /** Everything is given back, and as many secrets fit as in the beginning, each with bytes of its own. @param {any[]} others */
  end(others) {
    this.#dispose(others);
    const left = this.look();
    const own = (/** @type {number} */ i) => i & 0xff;
    const last = this.fill(own);
    return { left, lost: this.room - last.length, shared: this.damaged(last, own) };
  }
}

/** Both buffers are taken. @param {Context} context */
export async function bothTaken(context) {
  const scene = new Scene(context);
  for (const lease of scene.leases) await scene.takeFrom(lease);
  const outcomes = scene.leases.map((lease) => scene.release(lease));
  const slots = scene.look();
  const others = scene.fill();
  const shown = scene.aliases.filter((bytes) => bytes.includes(NEXT)).length;
  const heldBack = scene.room - others.length;
  await scene.forget();
  return { outcomes, slots, heldBack, shown, ...scene.end(others) };
}

/** One buffer is taken and forgotten while the other lease goes on. @param {Context} context */
export async function oneTaken(context) {
  const scene = new Scene(context);
  const [taken, kept] = scene.leases;
  await scene.takeFrom(taken);
  const outcomes = [scene.release(taken)];
  await scene.forget();
  const slots = scene.look();
  const others = scene.fill();
  const shown = kept?.bytes.includes(NEXT);
  // Under protection at rest the page of a lease for reading is closed to writing.
  if (context.options.atRest === 'accessible') kept?.bytes.fill(0x11);
  const damaged = scene.damaged(others);
  outcomes.push(scene.release(kept));
  return {
    outcomes,
    slots,
    heldBack: scene.room - others.length,
    shown,
    damaged,
    ...scene.end(others),
  };
}
