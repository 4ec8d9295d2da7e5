import { releaseOrphan } from './access-actions.mjs';
import { demand } from './demands.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Steps that begin, end and leave phases. */
export const PHASE_ACTIONS = {
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
};

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

/** Whether a phase has come to its end by now. */
const settledNow = async ({ settled }) =>
  Promise.race([settled.then(() => true), turn().then(() => false)]);

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
  // The leases of secrets that are gone: phases wait for those as well.
  const waits = ({ place: { owner } }) => owner.ended && owner.onOpenAccess === 'wait';
  const orphans = w.orphans.filter(waits);
  if (orphans.length > 0) demand((await settledNow(node)) === false, 'a phase forgets a lease');
  for (const orphan of orphans) {
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
