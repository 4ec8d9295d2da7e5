import { isSecureMemoryError } from '@securemem/core';

const turn = () => new Promise((resolve) => setImmediate(resolve));

export const IN_USE = 'ERR_SECMEM_IN_USE';

export const lentForWriting = ({ leases }) => leases.some(({ mode }) => mode === 'write');
export const refusalOf = (busy) => (busy ? [IN_USE] : []);

/** What fails the test: the allocator and the model differ. */
export function demand(condition, what) {
  if (!condition) throw new Error(`the allocator differs from the model: ${what}`);
}

export function demandZeros(bytes, what) {
  // What is detached has no length, and cannot even be asked.
  demand(bytes.length === 0 || bytes.every((byte) => byte === 0), what);
}

/**
 * All that the model knows of one allocator: which secrets live, what is in them and where, who holds them, and what is
 * gone. Actions change it; `check` compares it with the allocator, the backend's memory and the kernel's count.
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
  #tag = 0;

  constructor(memory, faulty, recorder) {
    this.memory = memory;
    this.faulty = faulty;
    this.recorder = recorder;
    this.root = { space: memory, parent: undefined, ended: false };
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
    return from.length === 0 ? undefined : from[index % from.length];
  }

  /**
   * Runs one operation, with a planned failure if the step has one. An operating error is an answer; of the other kinds only
   * those that the model expects. Nothing fails on purpose once this returns.
   */
  async attempt(fault, operation, expected = []) {
    const { faulty } = this;
    if (fault !== undefined) faulty.fail(fault.operation, { on: fault.on });
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

  #judge(error, fault, expected) {
    if (expected.some((code) => error === code || error.code === code || error.name === code))
      return;
    const planned = fault !== undefined && isSecureMemoryError(error);
    if (planned && ['platform', 'capacity', 'corruption'].includes(error.kind)) return;
    if (isSecureMemoryError(error) && error.kind === 'capacity') return;
    throw error;
  }

  /** Takes a new secret into the model: its bytes must be `content`, zeros unless told. */
  know(secret, owner, content) {
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
    this.live.splice(this.live.indexOf(known), 1);
    this.gone.push(known.secret);
    if (this.gone.length > 20) this.gone.shift();
    const { at, content, leases, owner } = known;
    const place = { at, left: leases.length, content, owner, purged };
    for (const lease of leases) {
      const zero = purged || (escaped && lease.view);
      this.orphans.push({ ...lease, place, zero, counted: !purged && !escaped });
    }
    if (escaped) this.cells.push({ place, dead: false });
  }

  /** Everything was purged, with what was lent of it. */
  purged() {
    for (const known of [...this.live]) {
      demand(known.secret.disposed, 'a secret outlives a purge');
      this.forget(known, { purged: true });
    }
    for (const orphan of this.orphans) {
      orphan.zero = true;
      orphan.counted = false;
      orphan.place.purged = true;
      demandZeros(orphan.lease.bytes, 'a lease shows what was purged');
    }
    for (const { place } of this.cells) place.purged = true;
    for (const item of this.sealed) item.dead = true;
  }

  /** The bytes where a secret was read zero, unless the place has gone or has a new owner. */
  demandZero(at, served, except = []) {
    if (!this.recorder.regions.has(at.region) || served !== this.served()) return;
    const bytes = this.recorder.peek(at.region);
    for (const { region, byteOffset, byteLength } of except) {
      // A canary of 8 bytes may stand on either side of what lies there now.
      if (region === at.region)
        bytes.fill(0, Math.max(0, byteOffset - 8), byteOffset + byteLength + 8);
    }
    const rest = bytes.subarray(at.byteOffset, at.byteOffset + at.byteLength);
    demandZeros(rest, 'a released place does not read zero');
  }

  /** Changes whenever somebody who waited was served or refused. */
  served() {
    return this.memory.stats().admission.waiting;
  }

  /** Lets whoever was served come in. */
  async settle() {
    if (this.waiting.size > 0) await turn();
    for (const { secret, owner } of this.arrived.splice(0)) {
      if (!secret.disposed) this.know(secret, owner);
    }
    if (this.unexpected.length > 0) throw this.unexpected[0];
  }

  /** Everything that can be compared, is. */
  check() {
    const { memory, recorder, live, orphans } = this;
    const stats = memory.stats();
    const lent = new Set(orphans.filter(({ counted }) => counted).map(({ place }) => place)).size;
    const leases = live.reduce((sum, known) => sum + known.leases.length, orphans.length);
    const { pooled, own } = stats.primary.routes;
    const byteLength = live.reduce((sum, known) => sum + known.content.length, 0);
    demand(
      stats.secrets === live.length + lent,
      `${stats.secrets} secrets, ${live.length} + ${lent}`,
    );
    demand(pooled.secrets + own.secrets === stats.secrets, 'the routes do not add up');
    if (lent === 0) demand(pooled.byteLength + own.byteLength === byteLength, 'bytes of content');
    demand(stats.openAccesses === leases, `${stats.openAccesses} accesses, ${leases} leases`);
    demand(stats.admission.waiting === this.waiting.size, 'waiting requests');
    demand(stats.primary.mappedByteLength === recorder.mappedByteLength, 'mapped bytes');
    this.#checkQuarantine(stats.quarantine);
    demand(
      this.stale.every((bytes) => bytes.length === 0),
      'a closed view shows something',
    );
    this.#checkContents();
  }

  /** A slot stays out of use while a view or a lease shows it; after that it is free when somebody looks for room. */
  #checkQuarantine({ slots, damagedSlots }) {
    const shown = this.cells.filter(
      ({ place, dead }) => !dead || (place.left > 0 && !place.purged),
    );
    demand(slots >= shown.length && slots <= this.cells.length, 'slots in quarantine');
    demand(damagedSlots >= 0, 'fewer than no damaged slots');
    for (const bytes of this.aliases)
      demandZeros(bytes, 'what nobody could take back shows a secret');
  }

  #checkContents() {
    const images = new Map();
    for (const { at, content, secret } of this.live) {
      demand(secret.byteLength === content.length, 'a secret has another length');
      let image = images.get(at.region);
      if (image === undefined) {
        image = this.recorder.peek(at.region);
        images.set(at.region, image);
      }
      const bytes = image.subarray(at.byteOffset, at.byteOffset + at.byteLength);
      demand(Buffer.compare(bytes, content) === 0, 'the page does not hold what it should');
    }
  }
}
