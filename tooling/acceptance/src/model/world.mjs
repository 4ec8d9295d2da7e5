import { isSecureMemoryError } from '@securemem/core';
import { demand, demandZeros } from './demands.mjs';
import { Subscriber } from './subscriber.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * All that the model knows of one allocator: which secrets live, what is in them and where, who holds them, and what is
 * gone. Actions change it; `checks.mjs` compares it with the allocator, the backend's memory and the kernel's count.
 */
export class World {
  /** Secrets that can be used: `{ secret, content, at, leases, owner }`. */
  live = [];
  /** Leases of secrets that are gone: `{ lease, place, zero, counted }`; `zero`: its bytes were wiped under it. */
  orphans = [];
  /** Handles of secrets that are gone. */
  gone = [];
  /** `{ sealed, content, dead }`. */
  sealed = [];
  /** Phases that have not ended: `{ space, parent, ended, finish, settled, onOpenAccess }`. */
  phases = [];
  /** Requests that wait: `{ owner, controller }`. */
  waiting = new Set();
  /** Secrets that were granted to them since the last step. */
  arrived = [];
  /** Bytes of accesses that were closed. */
  stale = [];
  unexpected = [];
  /** What is made to fail in this step. */
  fault;
  /** Places that a view may still show: `{ place, dead }`; `dead`: whoever held the view is gone. */
  cells = [];
  /** Views that nobody could take back, and that still show where the secret was. */
  aliases = [];
  faults = 0;
  /** Planned failures of `map` and `unmap`. */
  refusals = 0;
  limitChanged = false;
  /** What the step under way works on: a subscriber that acts meanwhile leaves it alone. */
  picked = new Set();
  /** The end of the allocator, where a subscriber closed it. */
  closing;
  subscriber = new Subscriber(this);
  #tag = 0;
  #deedsBefore = 0;
  #purges = 0;
  #purgesBefore = 0;

  constructor(memory, faulty, recorder) {
    this.memory = memory;
    this.faulty = faulty;
    this.recorder = recorder;
    this.root = { space: memory, parent: undefined, ended: false };
  }

  /** A step begins. */
  begin(fault) {
    this.fault = fault;
    this.picked.clear();
    this.#deedsBefore = this.subscriber.deeds;
    this.#purgesBefore = this.#purges;
  }

  /** Whether a subscriber did something in this step. */
  get acted() {
    return this.subscriber.deeds !== this.#deedsBefore;
  }

  /** Whether everything was purged in this step. */
  get purgedNow() {
    return this.#purges !== this.#purgesBefore;
  }

  /** What a step may come to where a subscriber ended something, or everything, under it. */
  mayCome(error) {
    if (!this.acted) return false;
    if (this.purgedNow && error.code === 'ERR_SECMEM_UNSEAL_FAILED') return true;
    return ['ERR_SECMEM_DISPOSED', 'ERR_SECMEM_CLOSED'].includes(error.code);
  }

  /** A content that no other secret has. */
  pattern(byteLength) {
    const tag = ++this.#tag;
    const bytes = new Uint8Array(new ArrayBuffer(byteLength));
    for (let i = 0; i < byteLength; i++) bytes[i] = (tag * 167 + i * (2 * (tag % 61) + 1)) & 0xff;
    return bytes;
  }

  owner(index) {
    return index % 3 === 0
      ? this.root
      : [this.root, ...this.phases][index % (this.phases.length + 1)];
  }

  pick(from, index) {
    const one = from.length === 0 ? undefined : from[index % from.length];
    this.picked.add(one);
    return one;
  }

  /** Asks for a secret, and waits for it. */
  request(owner, byteLength) {
    const controller = new AbortController();
    const entry = { owner, controller, byteLength };
    this.waiting.add(entry);
    owner.space.allocate(byteLength, { signal: controller.signal, waitMsMax: 60_000 }).then(
      (secret) => {
        this.waiting.delete(entry);
        this.arrived.push({ secret, owner });
      },
      (error) => {
        this.waiting.delete(entry);
        const ended = owner.ended || this.closing !== undefined;
        const told = error === 'aborted' || error.kind === 'capacity' || ended;
        if (!told && this.fault === undefined) this.unexpected.push(error);
      },
    );
  }

  /** Ends the allocator while it is in the middle of whatever it tells of. */
  close() {
    const { secrets } = this.memory.stats();
    this.closing = this.memory.close({ waitMsMax: 5_000 });
    const again = this.memory.close();
    demand(again === this.closing, 'close() gives two promises');
    const after = this.memory.stats();
    demand(after.admission.waiting === 0, 'somebody waits in a closed allocator');
    demand(after.secrets <= secrets, 'close() makes secrets');
    this.secretsAtClose = secrets;
  }

  /**
   * Runs one operation, with a planned failure if the step has one. An operating error is an answer; of the other kinds only
   * those that the model expects. Nothing fails on purpose once this returns.
   */
  async attempt(fault, operation, expected = []) {
    const { faulty } = this;
    if (fault !== undefined) faulty.fail(fault.operation, { on: fault.on });
    /** @type {{ value?: any, error?: any }} */
    let answer;
    try {
      answer = { value: operation() };
    } catch (error) {
      answer = { error };
    }
    if (fault !== undefined) {
      this.faults++;
      if (['map', 'unmap'].includes(fault.operation)) this.refusals++;
      if (answer.value instanceof Promise) {
        answer = await answer.value.then(
          (value) => ({ value }),
          (error) => ({ error }),
        );
      }
      await turn();
      faulty.heal();
    } else if (answer.value instanceof Promise) {
      answer = await answer.value.then(
        (value) => ({ value }),
        (error) => ({ error }),
      );
    }
    if (answer.error !== undefined) this.#judge(answer.error, fault, expected);
    return answer;
  }

  /** The same of a subscriber, for whom nothing fails on purpose. */
  attemptNow(operation) {
    try {
      return { value: operation() };
    } catch (error) {
      this.#judge(error, undefined, []);
      return { error };
    }
  }

  #judge(error, fault, expected) {
    if (this.mayCome(error)) return;
    if (expected.some((code) => error === code || error.code === code || error.name === code))
      return;
    const planned = fault !== undefined && isSecureMemoryError(error);
    if (planned && ['platform', 'capacity', 'corruption'].includes(error.kind)) return;
    if (isSecureMemoryError(error) && error.kind === 'capacity') return;
    throw error;
  }

  /** Takes a new secret into the model: its bytes must be `content`, zeros unless told. */
  know(secret, owner, content) {
    if (secret.disposed && this.purgedNow) return undefined;
    const known = { secret, content, at: undefined, leases: [], owner };
    const wanted = content ?? new Uint8Array(new ArrayBuffer(secret.byteLength));
    this.locate(known, wanted);
    if (content === undefined) {
      known.content = this.pattern(secret.byteLength);
      secret.write((bytes) => bytes.set(known.content));
    }
    this.live.push(known);
    return known;
  }

  /** Reads a secret, and learns where it lies. */
  locate(known, content = known.content) {
    known.secret.read((bytes) => {
      known.at = this.recorder.lastAccess;
      demand(Buffer.compare(bytes, content) === 0, 'a secret does not hold what it should');
    });
  }

  /**
   * A secret is gone; its leases, if any, keep the bytes, unless those were purged or went with a view that escaped: then a
   * lease that is a view shows zeros, and one that is a copy does after a purge only.
   */
  forget(known, { purged = false, escaped = false } = {}) {
    const { at, content, leases, owner } = known;
    const i = this.live.indexOf(known);
    if (i < 0) {
      // Purged by a subscriber in this step, with its leases; its slot is out of use all the same.
      const left = this.orphans.filter(({ place }) => place.at === at).length;
      if (escaped)
        this.cells.push({ place: { at, left, content, owner, purged: true }, dead: false });
      return;
    }
    this.live.splice(i, 1);
    this.gone.push(known.secret);
    if (this.gone.length > 20) this.gone.shift();
    const place = { at, left: leases.length, content, owner, purged };
    for (const lease of leases) {
      const zero = purged || (escaped && lease.view);
      this.orphans.push({ ...lease, place, zero, counted: !purged && !escaped });
    }
    if (escaped) this.cells.push({ place, dead: false });
  }

  /** Purges everything there is now, with what was lent of it. What a subscriber makes after that is not among it. */
  purge() {
    const [live, orphans, cells, sealed] = [
      [...this.live],
      [...this.orphans],
      [...this.cells],
      [...this.sealed],
    ];
    this.#purges++;
    this.memory.purge();
    for (const known of live) {
      demand(known.secret.disposed, 'a secret outlives a purge');
      this.forget(known, { purged: true });
    }
    for (const orphan of new Set([...orphans, ...this.orphans])) {
      orphan.zero = true;
      orphan.counted = false;
      orphan.place.purged = true;
      demandZeros(orphan.lease.bytes, 'a lease shows what was purged');
    }
    for (const { place } of cells) place.purged = true;
    for (const item of sealed) item.dead = true;
  }

  /** The bytes where a secret was read zero, unless the place has gone or has a new owner. */
  demandZero(at, served, except = []) {
    if (!this.recorder.regions.has(at.region)) return;
    // Simulated memory brings views up to date when somebody looks, so somebody looks in any case.
    const bytes = this.recorder.peek(at.region);
    if (served !== this.served()) return;
    for (const { region, byteOffset, byteLength } of except) {
      // A canary of 8 bytes may stand on either side of what lies there now.
      if (region === at.region)
        bytes.fill(0, Math.max(0, byteOffset - 8), byteOffset + byteLength + 8);
    }
    const rest = bytes.subarray(at.byteOffset, at.byteOffset + at.byteLength);
    demandZeros(rest, 'a released place does not read zero');
  }

  /** Changes whenever somebody who waited was served or refused, or a subscriber did something. */
  served() {
    return `${this.memory.stats().admission.waiting} ${this.subscriber.deeds}`;
  }

  /** Lets whoever was served come in. */
  async settle() {
    if (this.waiting.size > 0) await turn();
    for (const { secret, owner } of this.arrived.splice(0)) {
      if (!secret.disposed) this.know(secret, owner);
    }
    if (this.unexpected.length > 0) throw this.unexpected[0];
  }
}
