import { isSecureMemoryError } from '@securemem/core';
import { demand, demandZeros, IN_USE, lentForWriting, refusalOf } from './demands.mjs';

/** What a callback does to the allocator that called it, by name. */
const DEEDS = {
  /** The bytes stay until the callback ends. */
  disposeItself(_, known, bytes) {
    known.secret.dispose();
    demand(known.secret.disposed, 'dispose() does not end the handle at once');
    demand(Buffer.compare(bytes, known.content) === 0, 'dispose() wipes under an access');
  },

  disposeAnother(w, known, _, { at }) {
    const another = w.pick(
      w.live.filter((one) => one !== known && one.leases.length === 0),
      at,
    );
    another?.secret.dispose();
    if (another !== undefined) w.forget(another);
  },

  allocate(w, _known, _bytes, { at, byteLength }) {
    const owner = w.owner(at);
    let secret;
    try {
      secret = owner.space.allocateSync(byteLength);
    } catch (error) {
      if (!isSecureMemoryError(error) || error.kind !== 'capacity') throw error;
      return;
    }
    w.know(secret, owner);
  },

  resizeItself(_, { secret }, _bytes, { byteLength }) {
    secret.resize(byteLength);
  },

  purge(w, _, bytes) {
    w.purge();
    demandZeros(bytes, 'purge() leaves what a callback is shown');
  },

  returnPromise: () => Promise.resolve(),
};

/** The errors that deeds come to. */
const EXPECTED = { resizeItself: [IN_USE], returnPromise: ['TypeError'] };

/** Steps that open, use and close accesses. */
export const ACCESS_ACTIONS = {
  async read(w, { fault, at }) {
    const known = w.pick(w.live, at);
    if (known === undefined) return;
    const read = (bytes) => {
      w.stale.push(bytes);
      demand(bytes.buffer.byteLength === bytes.length, 'a view shows more than its secret');
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

  /** A callback that uses the allocator while it is shown a secret. */
  async within(w, { at, other, byteLength, flag }) {
    const known = w.pick(
      w.live.filter((one) => (flag ? one.leases.length === 0 : !lentForWriting(one))),
      at,
    );
    if (known === undefined) return;
    const names = Object.keys(DEEDS);
    const name = names[other % names.length];
    const served = w.served();
    const callback = (bytes) => {
      w.stale.push(bytes);
      return DEEDS[name](w, known, bytes, { at, byteLength });
    };
    const run = () => known.secret[flag ? 'write' : 'read'](callback);
    const { error } = await w.attempt(undefined, run, EXPECTED[name]);
    demand((error === undefined) === (EXPECTED[name] === undefined), `${name} in a callback`);
    if (name !== 'disposeItself') return;
    w.forget(known);
    if (known.leases.length === 0) w.demandZero(known.at, served);
  },

  /** A consumer keeps what it was shown, or it cannot be taken back; other leases of the secret stay open. */
  async escape(w, { at, flag }) {
    const known = w.pick(
      w.live.filter((one) => !lentForWriting(one)),
      at,
    );
    if (known === undefined || known.secret.receipt.access !== 'view') return;
    const served = w.served();
    w.faulty.failViewClose({ outcome: flag ? 'escaped' : 'stuck' });
    const read = (bytes) => void w.aliases.push(bytes);
    const { error } = await w.attempt(undefined, () => known.secret.read(read), [
      'ERR_SECMEM_VIEW_ESCAPED',
    ]);
    w.faulty.heal();
    demand(error !== undefined, 'an escaped view goes unnoticed');
    w.forget(known, { escaped: true });
    w.demandZero(known.at, served);
  },

  /** Whoever held what could not be taken back is gone, and core looks for room. */
  async aliasesDie(w) {
    w.faulty.releaseAliases();
    w.aliases.length = 0;
    for (const cell of w.cells) cell.dead = true;
    const { error } = await w.attempt(undefined, () => w.memory.allocateSync(2 ** 24));
    demand(error?.kind === 'capacity', 'there is room for everything');
    w.cells = w.cells.filter(({ place }) => place.left > 0 && !place.purged);
  },
};

/** Ends a lease of a secret that is gone. */
export async function releaseOrphan(w, orphan, fault) {
  const { lease, place, zero, counted, pending } = orphan;
  w.orphans.splice(w.orphans.indexOf(orphan), 1);
  if (zero) demandZeros(lease.bytes, 'a lease shows what was wiped');
  else demand(Buffer.compare(lease.bytes, pending ?? place.content) === 0, 'a lease of the dead');
  const served = w.served();
  await w.attempt(fault, () => lease.release());
  demand(lease.bytes.length === 0, 'a released lease shows something');
  place.left--;
  if (place.left === 0 && counted) w.demandZero(place.at, served);
}
