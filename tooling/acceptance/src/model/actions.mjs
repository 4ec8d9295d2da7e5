import { ACCESS_ACTIONS } from './access-actions.mjs';
import { demand, refusalOf } from './demands.mjs';
import { PHASE_ACTIONS } from './phase-actions.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What each kind of step does to the allocator, and to the model. */
export const ACTIONS = {
  ...ACCESS_ACTIONS,
  ...PHASE_ACTIONS,

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
    await w.attempt(fault, () => w.request(owner, byteLength));
    await turn();
  },

  async abort(w, { at }) {
    w.pick([...w.waiting], at)?.controller.abort('aborted');
    await turn();
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
    w.sealed.push({ sealed: value, content: known.content, dead: w.purgedNow });
  },

  async open(w, { fault, at, other, flag }) {
    const item = w.pick(w.sealed, at);
    if (item === undefined || (!flag && w.waiting.size > 0)) return;
    const owner = w.owner(other);
    const open = () =>
      flag ? owner.space.openSync(item.sealed) : owner.space.open(item.sealed, { waitMsMax: 1 });
    const { dead } = item;
    const expected = dead ? ['ERR_SECMEM_UNSEAL_FAILED'] : [];
    const { value } = await w.attempt(fault, open, expected);
    demand(value === undefined || !dead, 'what was sealed before a purge opens');
    if (value !== undefined) w.know(value, owner, item.content.slice());
  },

  async disposeSealed(w, { at }) {
    const item = w.pick(w.sealed, at);
    if (item === undefined) return;
    item.sealed.dispose();
    w.sealed.splice(w.sealed.indexOf(item), 1);
  },

  async limit(w, { at }) {
    w.limitChanged = true;
    w.recorder.limitByteLength = (at % 9) * w.recorder.pageByteLength;
  },

  async purge(w, { fault }) {
    await w.attempt(fault?.operation === 'unmap' ? fault : undefined, () => w.purge());
  },

  async verify(w) {
    const { secrets } = w.memory.stats();
    demand(w.memory.verify().secrets === secrets, 'verify() counts differently');
  },

  /** Somebody will hear of something, and act. */
  async listen(w, plan) {
    w.subscriber.plan(plan);
  },

  turn,
};
