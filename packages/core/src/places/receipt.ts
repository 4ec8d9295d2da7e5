import type { ForkBehaviour } from '../contract/capabilities.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { AtRest, Guarantee } from '../options.js';
import type { PlaceHost, Route } from '../placement/place-host.js';
import type { RegionOwner } from '../placement/region.js';

/** A protection that is missing or weaker than its name, and why. */
export interface Weakness {
  readonly field: keyof Receipt;
  readonly reason: string;
}

/** What protection a secret really has, now. From the backend's checked capabilities and the state of its region. */
export interface Receipt {
  readonly backend: string;
  /** True when it is on the fallback backend. */
  readonly fallback: boolean;
  readonly route: Route;
  readonly locked: boolean;
  /** A guard page stands before and after what `guards` names. */
  readonly guarded: boolean;
  /** Own regions have guards of their own; slots of a slab share those at its ends and have canaries between them. */
  readonly guards: 'secret' | 'slab' | 'none';
  readonly dumpExcluded: boolean;
  readonly kernelHidden: boolean;
  readonly forkBehaviour: ForkBehaviour;
  /** A forked child cannot read it. */
  readonly forkSafe: boolean;
  readonly atRest: AtRest;
  /** Outside any access its pages cannot be touched. */
  readonly noAccessAtRest: boolean;
  /** What an access gives: a view of the page, or a copy that is wiped afterwards. */
  readonly access: 'view' | 'copy';
  /** What becomes of it when its worker thread is terminated. */
  readonly threadExit: 'wiped' | 'kept';
  readonly cipher: 'in-place' | 'node-crypto';
  readonly weaknesses: readonly Weakness[];
}

/** What the receipt depends on beside the region. */
export interface ReceiptContext {
  readonly fallback: boolean;
  /** Views are not opened any more, and why. */
  readonly viewsStopped: string | undefined;
}

/** The receipt of a secret in `host`; without a host, what a pooled secret of this backend would get. */
export function receiptOf(
  owner: RegionOwner,
  host: PlaceHost | undefined,
  context: ReceiptContext,
): Receipt {
  const { backend, atRest } = owner;
  const can = backend.capabilities;
  const openBecause = host?.region.openBecause;
  const route = host?.route ?? 'pooled';
  const views = can.views === 'revocable' && context.viewsStopped === undefined;
  const facts = {
    backend: backend.name,
    fallback: context.fallback,
    route,
    locked: can.locking === 'locked',
    guarded: can.guardPages,
    guards: can.guardPages ? (route === 'own' ? 'secret' : 'slab') : 'none',
    dumpExcluded: can.dumpExclusion,
    kernelHidden: can.kernelHidden,
    forkBehaviour: can.forkBehaviour,
    forkSafe: can.forkBehaviour !== 'inherited',
    atRest: openBecause === undefined ? atRest : 'accessible',
    noAccessAtRest: atRest === 'no-access' && openBecause === undefined,
    access: views ? 'view' : 'copy',
    threadExit: can.threadExit,
    cipher: can.cipher === 'in-place' ? 'in-place' : 'node-crypto',
  } as const;
  const weaknesses = [...weaknessesOf(facts, context, openBecause)];
  return Object.freeze({ ...facts, weaknesses: Object.freeze(weaknesses) });
}

type Facts = Omit<Receipt, 'weaknesses'>;

function* weaknessesOf(
  facts: Facts,
  context: ReceiptContext,
  openBecause: string | undefined,
): Generator<Weakness> {
  const { backend } = facts;
  const lacking = `the backend ${backend} does not do it on this machine`;
  if (facts.fallback) {
    yield { field: 'fallback', reason: 'there was no place on the first backend' };
  }
  if (!facts.locked) yield { field: 'locked', reason: `may be swapped: ${lacking}` };
  if (!facts.guarded) yield { field: 'guarded', reason: lacking };
  else if (facts.guards === 'slab') {
    yield {
      field: 'guards',
      reason: 'guard pages stand at the ends of its slab; a canary stands between neighbours',
    };
  }
  if (!facts.dumpExcluded) yield { field: 'dumpExcluded', reason: lacking };
  if (!facts.kernelHidden) {
    yield { field: 'kernelHidden', reason: `root can read it through the kernel: ${lacking}` };
  }
  if (!facts.forkSafe) {
    yield { field: 'forkSafe', reason: 'a forked child without exec inherits the bytes' };
  }
  if (openBecause !== undefined) {
    yield { field: 'atRest', reason: `its pages stay open: ${openBecause}` };
  }
  if (!facts.noAccessAtRest && openBecause === undefined) {
    yield { field: 'noAccessAtRest', reason: `at rest its pages are ${facts.atRest}` };
  }
  if (facts.access === 'copy') {
    const reason = context.viewsStopped ?? `the backend ${backend} has no views`;
    yield { field: 'access', reason: `an access lends a copy in ordinary memory: ${reason}` };
  }
  if (facts.threadExit === 'kept') {
    yield {
      field: 'threadExit',
      reason: 'after worker.terminate() it stays locked and readable until the process ends',
    };
  }
  if (facts.cipher === 'node-crypto') {
    yield { field: 'cipher', reason: 'sealing passes through a copy in ordinary memory' };
  }
}

/** Throws `ERR_SECMEM_GUARANTEE_UNMET` unless the receipt has all that is required. */
export function demand(receipt: Receipt, required: readonly Guarantee[], what: string): void {
  const unmet = required.filter((name) => !receipt[name]);
  if (unmet.length === 0) return;
  const reasons = unmet.map((name) => {
    const weakness = receipt.weaknesses.find((w) => w.field === name);
    return `${name} (${weakness?.reason ?? 'not given'})`;
  });
  throw new SecureMemoryError(
    'ERR_SECMEM_GUARANTEE_UNMET',
    `${what} on the backend ${receipt.backend} does not have what was required: ${reasons.join('; ')}`,
    { operation: 'require', backend: receipt.backend, details: { unmet } },
  );
}
