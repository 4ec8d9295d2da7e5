import { demand } from './world.mjs';

const IN_USE = 'ERR_SECMEM_IN_USE';
const turn = () => new Promise((resolve) => setImmediate(resolve));

const lentForWriting = ({ leases }) => leases.some(({ mode }) => mode === 'write');
const refusalOf = (busy) => (busy ? [IN_USE] : []);

/** What each kind of step does to the allocator, and to the model. */
export const ACTIONS = {
  async allocate(w, { fault, other, byteLength }) {
    const owner = w.owner(other);
    const { value } = await w.attempt(fault, () => owner.space.allocateSync(byteLength));
    if (value !== undefined) w.know(value, owner);
  },

  async allocateAll(w, { fault, at, other, byteLength }) {
    const owner = w.owner(other);
    const lengths = Array.from(
      { length: 1 + (at % 4) },
      (_, i) => 1 + ((byteLength * (i + 1)) % 5000),
    );
    const { value } = await w.attempt(fault, () => owner.space.allocateAllSync(lengths));
    for (const secret of value ?? []) w.know(secret, owner);
  },

  async adopt(w, { fault, other, byteLength }) {
    const owner = w.owner(other);
    const content = w.pattern(byteLength);
    const source = content.slice();
    const { value } = await w.attempt(fault, () => owner.space.adoptSync(source));
    const left = value === undefined ? content : new Uint8Array(byteLength);
    demand(Buffer.compare(source, left) === 0, 'the source is neither whole nor wiped');
    if (value !== undefined) w.know(value, owner, content);
  },

  async random(w, { fault, other, byteLength }) {
    const owner = w.owner(other);
    const { value } = await w.attempt(fault, () => owner.space.randomSync(byteLength));
    if (value === undefined) return;
    const content = value.exportCopy();
    demand(byteLength < 16 || content.some((byte) => byte !== 0), 'random bytes are all zero');
    w.know(value, owner, content);
  },

  async wait(w, { fault, other, byteLength }) {
    if (w.waiting.size >= 8) return;
    const owner = w.owner(other);
    const controller = new AbortController();
    const { signal } = controller;
    const entry = { owner, controller, byteLength };
    w.waiting.add(entry);
    await w.attempt(fault, () => {
      owner.space.allocate(byteLength, { signal, waitMsMax: 60_000 }).then(
        (secret) => {
          w.waiting.delete(entry);
          w.arrived.push({ secret, owner });
        },
        (error) => {
          w.waiting.delete(entry);
          const told = error === 'aborted' || error.kind === 'capacity' || owner.ended;
          if (!told && w.fault === undefined) w.unexpected.push(error);
        },
      );
    });
    await turn();
  },

  async abort(w, { at }) {
    w.pick([...w.waiting], at)?.controller.abort('aborted');
    await turn();
  },

  async read(w, { fault, at }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const read = (bytes) => {
      w.stale.push(bytes);
      return Buffer.compare(bytes, known.content) === 0;
    };
    const busy = lentForWriting(known);
    const { value, error } = await w.attempt(fault, () => known.secret.read(read), refusalOf(busy));
    demand(value !== false, 'read() shows another content');
    demand(!busy || error !== undefined, 'read() goes beside a writer');
    while (w.stale.length > 16) w.stale.shift();
  },

  async write(w, { fault, at, flag }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const content = w.pattern(known.content.length);
    const mine = new Error('thrown by the callback');
    const write = (bytes) => {
      w.stale.push(bytes);
      bytes.set(content);
      if (flag) throw mine;
    };
    const busy = known.leases.length > 0;
    const expected = [mine, ...refusalOf(busy)];
    const { error } = await w.attempt(fault, () => known.secret.write(write), expected);
    demand(!busy || error?.code === IN_USE || fault !== undefined, 'write() goes beside another');
    if (error === undefined || error === mine) known.content = content;
  },

  async copyFrom(w, { fault, at, other }) {
    const target = w.pick(w.live, at);
    const source = w.pick(w.live, other);
    if (target === undefined || source === target) return;
    const busy = target.leases.length > 0 || lentForWriting(source);
    const tooLong = source.content.length > target.content.length;
    const expected = [...refusalOf(busy), ...(tooLong ? ['RangeError'] : [])];
    const { error } = await w.attempt(fault, () => target.secret.copyFrom(source.secret), expected);
    demand(error !== undefined || !(busy || tooLong), 'copyFrom() did what it should refuse');
    if (error === undefined) target.content.set(source.content);
  },

  async equals(w, { fault, at, other }) {
    const left = w.pick(w.live, at);
    const right = w.pick(w.live, other);
    if (left === undefined) return;
    const expected = refusalOf(lentForWriting(left) || lentForWriting(right));
    const equals = () => left.secret.equals(right.secret);
    const { value } = await w.attempt(fault, equals, expected);
    const same = Buffer.compare(left.content, right.content) === 0;
    demand(value === undefined || value === same, 'equals() is wrong');
  },

  async lend(w, { fault, at, flag }) {
    const known = w.pick(w.live, at);
    if (known === undefined || known.leases.length >= 3) return;
    const mode = flag ? 'write' : 'read';
    const busy = flag ? known.leases.length > 0 : lentForWriting(known);
    const view = known.secret.receipt.access === 'view';
    const lend = () => known.secret.lend({ mode });
    const { value, error } = await w.attempt(fault, lend, refusalOf(busy));
    demand(!busy || error !== undefined, 'lend() goes beside a writer');
    if (value !== undefined) known.leases.push({ lease: value, mode, view, pending: undefined });
  },

  async writeLease(w, { at }) {
    const known = w.pick(w.live.filter(lentForWriting), at);
    if (known === undefined) return;
    const [lent] = known.leases;
    const content = w.pattern(known.content.length);
    lent.lease.bytes.set(content);
    if (lent.view) known.content = content;
    else lent.pending = content;
  },

  async release(w, { fault, at, flag }) {
    const known = w.pick(
      w.live.filter(({ leases }) => leases.length > 0),
      at,
    );
    if (known !== undefined && (flag || w.orphans.length === 0)) {
      const lent = known.leases.pop();
      const shown = lent.pending ?? known.content;
      demand(Buffer.compare(lent.lease.bytes, shown) === 0, 'a lease shows another content');
      const { error } = await w.attempt(fault, () => lent.lease.release());
      demand(lent.lease.bytes.length === 0, 'a released lease shows something');
      if (error === undefined && lent.pending !== undefined) known.content = lent.pending;
      return;
    }
    const orphan = w.pick(w.orphans, at);
    if (orphan !== undefined) await releaseOrphan(w, orphan, fault);
  },

  async resize(w, { fault, at, byteLength }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const busy = known.leases.length > 0;
    const served = w.served();
    const resize = () => known.secret.resize(byteLength);
    const { error } = await w.attempt(fault, resize, refusalOf(busy));
    demand(error !== undefined || !busy, 'resize() goes beside an access');
    // After an error it has its old length, or the new one where only the old place could not be given back.
    if (error !== undefined && known.secret.byteLength !== byteLength) return;
    if (error !== undefined && byteLength === known.content.length) return;
    const before = known.at;
    const content = new Uint8Array(new ArrayBuffer(byteLength));
    content.set(known.content.subarray(0, byteLength));
    known.content = content;
    w.locate(known);
    w.demandZero(before, served, [known.at]);
  },

  async dispose(w, { fault, at }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const served = w.served();
    await w.attempt(fault, () => known.secret.dispose());
    known.secret.dispose();
    w.forget(known);
    if (known.leases.length === 0) w.demandZero(known.at, served);
  },

  async stale(w, { at, flag }) {
    const secret = w.pick(w.gone, at);
    if (secret === undefined) return;
    demand(secret.disposed && secret.byteLength === 0, 'a secret that is gone has a length');
    const use = flag ? () => secret.read(() => 0) : () => secret.resize(1);
    const { error } = await w.attempt(undefined, use, ['ERR_SECMEM_DISPOSED']);
    demand(error !== undefined, 'a secret that is gone can be used');
  },

  async seal(w, { fault, at }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const busy = known.leases.length > 0;
    const served = w.served();
    const seal = () => known.secret.seal();
    const { value } = await w.attempt(fault, seal, refusalOf(busy));
    if (value === undefined) {
      if (!busy && known.secret.disposed) w.forget(known);
      return;
    }
    w.forget(known);
    w.demandZero(known.at, served);
    w.sealed.push({ sealed: value, content: known.content, dead: false });
  },

  async open(w, { fault, at, other, flag }) {
    const item = w.pick(w.sealed, at);
    if (item === undefined || (!flag && w.waiting.size > 0)) return;
    const owner = w.owner(other);
    const open = () =>
      flag ? owner.space.openSync(item.sealed) : owner.space.open(item.sealed, { waitMsMax: 1 });
    const expected = item.dead ? ['ERR_SECMEM_UNSEAL_FAILED'] : [];
    const { value } = await w.attempt(fault, open, expected);
    demand(value === undefined || !item.dead, 'what was sealed before a purge opens');
    if (value !== undefined) w.know(value, owner, item.content.slice());
  },

  async disposeSealed(w, { at }) {
    const item = w.pick(w.sealed, at);
    if (item === undefined) return;
    item.sealed.dispose();
    w.sealed.splice(w.sealed.indexOf(item), 1);
  },

  async phase(w, { other, flag }) {
    if (w.phases.length < 6) await beginPhase(w, w.owner(other), flag ? 'wait' : 'throw');
  },

  async keep(w, { at }) {
    const known = w.pick(
      w.live.filter(({ owner }) => owner !== w.root),
      at,
    );
    if (known === undefined) return;
    known.owner.space.keep(known.secret);
    known.owner = known.owner.parent;
  },

  async endPhase(w, { fault, at, other }) {
    const node = w.pick(w.phases, at);
    if (node !== undefined) await endPhase(w, node, ['return', 'throw', 'abort'][other % 3], fault);
  },

  /** A consumer keeps what it was shown, or it cannot be taken back. */
  async escape(w, { at, flag }) {
    const known = w.pick(
      w.live.filter(({ leases }) => leases.length === 0),
      at,
    );
    if (known === undefined || known.secret.receipt.access !== 'view') return;
    const served = w.served();
    w.faulty.failViewClose({ outcome: flag ? 'escaped' : 'stuck' });
    const { error } = await w.attempt(undefined, () => known.secret.read(() => 0), [
      'ERR_SECMEM_VIEW_ESCAPED',
    ]);
    w.faulty.heal();
    demand(error !== undefined, 'an escaped view goes unnoticed');
    w.quarantined++;
    w.forget(known);
    w.demandZero(known.at, served);
  },

  async limit(w, { at }) {
    w.recorder.limitByteLength = (at % 9) * w.recorder.pageByteLength;
  },

  async purge(w, { fault }) {
    await w.attempt(fault?.operation === 'unmap' ? fault : undefined, () => w.memory.purge());
    for (const known of [...w.live]) {
      demand(known.secret.disposed, 'a secret outlives a purge');
      w.forget(known, { purged: true });
    }
    for (const orphan of w.orphans) {
      orphan.purged = true;
      demand(
        orphan.lease.bytes.every((byte) => byte === 0),
        'a lease shows what was purged',
      );
    }
    for (const item of w.sealed) item.dead = true;
  },

  async verify(w) {
    demand(w.memory.verify().secrets === w.memory.stats().secrets, 'verify() counts differently');
  },

  turn,
};

async function releaseOrphan(w, orphan, fault) {
  const { lease, place, purged, pending } = orphan;
  w.orphans.splice(w.orphans.indexOf(orphan), 1);
  if (purged)
    demand(
      lease.bytes.every((byte) => byte === 0),
      'a lease shows what was purged',
    );
  else demand(Buffer.compare(lease.bytes, pending ?? place.content) === 0, 'a lease of the dead');
  const served = w.served();
  await w.attempt(fault, () => lease.release());
  demand(lease.bytes.length === 0, 'a released lease shows something');
  place.left--;
  if (place.left === 0 && !purged) w.demandZero(place.at, served);
}

async function beginPhase(w, parent, onOpenAccess) {
  const controller = new AbortController();
  const { signal } = controller;
  const node = { parent, ended: false, onOpenAccess, controller };
  const begun = new Promise((resolve) => {
    node.settled = parent.space
      .phase(
        (phase) => {
          node.space = phase;
          resolve(undefined);
          return new Promise((finish, fail) => Object.assign(node, { finish, fail }));
        },
        { signal, onOpenAccess, waitMsMax: 5_000 },
      )
      .then(
        () => undefined,
        (error) => error,
      );
  });
  await begun;
  w.phases.push(node);
}

const isWithin = (node, outer) =>
  node !== undefined && (node === outer || isWithin(node.parent, outer));

/** Ends a phase and all phases in it. Those that wait for their leases see them released; the others end beside them. */
async function endPhase(w, node, how, fault) {
  const within = w.phases.filter((other) => isWithin(other, node));
  for (const phase of within) phase.ended = true;
  w.phases = w.phases.filter((other) => !other.ended);
  const mine = new Error('thrown by the phase');
  if (fault !== undefined) {
    w.refusals++;
    w.faulty.fail(fault.operation, { on: fault.on });
  }
  if (how === 'return') node.finish();
  else if (how === 'throw') node.fail(mine);
  else node.controller.abort(mine);
  await turn();
  w.faulty.heal();
  for (const known of w.live.filter(({ owner }) => owner.onOpenAccess === 'wait' && owner.ended)) {
    for (const { lease, pending } of known.leases.splice(0)) {
      demand(Buffer.compare(lease.bytes, pending ?? known.content) === 0, 'freed under a lease');
      lease.release();
    }
  }
  // A purge ends secrets but not leases, and phases wait for those as well.
  for (const orphan of w.orphans.filter(({ place, purged }) => purged && place.owner.ended)) {
    await releaseOrphan(w, orphan, undefined);
  }
  const error = await node.settled;
  demand(how === 'return' || error === mine, 'the phase hides what was thrown in it');
  for (const phase of within) phase.finish();
  await Promise.all(within.map(({ settled }) => settled));
  for (const known of w.live.filter(({ owner }) => owner.ended)) {
    demand(known.secret.disposed, 'a secret outlives its phase');
    w.forget(known);
  }
}
