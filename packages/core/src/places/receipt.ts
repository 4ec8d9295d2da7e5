import type { BackendCapabilities, ForkBehaviour } from '../contract/capabilities.js';
import { SecureMemoryError } from '../contract/errors.js';
import { mayHibernate } from '../contract/hibernation.js';
import type { AtRest, Guarantee } from '../options.js';
import type { SealingKeyForm } from '../placement/key-form.js';
import type { PlaceHost, Route } from '../placement/place-host.js';
import { type Losses, NO_LOSSES, type Region, type RegionOwner } from '../placement/region.js';
import { kernelText } from './kernel-text.js';

/** A protection that is missing or weaker than its name, and why. */
export interface Weakness {
  readonly field: keyof Receipt;
  readonly reason: string;
}

/**
 * What protection a secret really has, from the backend's checked capabilities and the state of its region.
 *
 * It is as true as the last look at the kernel, whose moment it names. Other code in the process can take protections
 * away with one call (`munlockall`, `madvise`, `mprotect`): reading a receipt notices locks that the process as a whole lacks,
 * `verify()` notices all of it.
 */
export interface Receipt {
  readonly backend: string;
  /** True when it is on the fallback backend. */
  readonly fallback: boolean;
  readonly route: Route;
  readonly locked: boolean;
  /**
   * How `locked` is known: the system counts the pages as locked, or it does not and they are `resident`, where nothing can take
   * them away (memfd_secret pages on some kernels).
   */
  readonly lockEvidence: 'counted' | 'resident' | 'none';
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
  /**
   * How the key that `seal()` and stores encrypt with rests between calls: as `two-shares` in two regions, which alone are random
   * bytes; as `two-closed-shares`, whose pages are closed too; or whole, in `one-page` that is closed.
   */
  readonly sealingKey: SealingKeyForm;
  /**
   * How `sign`, `publicKey` and `diffieHellman` use it when it is a private key: in its page; by `node:crypto` and a copy, where
   * nothing is locked anyway; or not at all, since a copy would undo the protection. In place, the backend's `keys` say
   * which algorithms.
   */
  readonly keys: 'in-place' | 'node-crypto' | 'refused';
  /** `open`: a reference of the private key is open, by which other code of this process uses it (`toTlsKey`, `toPrivateKey`). */
  readonly keyReference: 'open' | 'none';
  /** When the kernel was asked about its region last, in milliseconds since 1970: when it was mapped, or by a look since. */
  readonly checkedAtMs: number;
  readonly weaknesses: readonly Weakness[];
}

/** Why something is gone that was there. */
const TAKEN_AWAY = 'other code in this process took it away, by what the kernel says';

/** Where a secret lies that is not there yet: nothing of a prototype. */
const NOWHERE = Object.freeze(Object.create(null) as Partial<Region>);

/** What the receipt depends on beside the region. */
export interface ReceiptContext {
  readonly fallback: boolean;
  /** Views are not opened any more, and why. */
  readonly viewsStopped: string | undefined;
  readonly sealingKey: SealingKeyForm;
}

/** The receipt of a secret in `host`; without a host, what a pooled secret of this backend would get. */
export function receiptOf(
  owner: RegionOwner,
  host: PlaceHost | undefined,
  context: ReceiptContext,
): Receipt {
  const { backend, atRest } = owner;
  const can = backend.capabilities;
  const region = host?.region ?? NOWHERE;
  const { openBecause, losses = NO_LOSSES, checkedAtMs = Date.now(), keyReference } = region;
  const guarded = can.guardPages && losses.guarded === undefined;
  const forkBehaviour = losses.forkBehaviour ?? can.forkBehaviour;
  const found = losses.protection === 'read-write' ? 'accessible' : losses.protection;
  const atRestNow = openBecause === undefined ? (found ?? atRest) : 'accessible';
  const route = host?.route ?? 'pooled';
  const views = can.views === 'revocable' && context.viewsStopped === undefined;
  const locked = can.locking === 'locked' && losses.lockedByteLength === undefined;
  const facts = {
    backend: backend.name,
    fallback: context.fallback,
    route,
    locked,
    lockEvidence: locked ? (can.lockEvidence ?? 'counted') : 'none',
    guarded,
    guards: guarded ? (route === 'own' ? 'secret' : 'slab') : 'none',
    dumpExcluded: can.dumpExclusion && losses.dumpExcluded === undefined,
    kernelHidden: can.kernelHidden,
    forkBehaviour,
    forkSafe: forkBehaviour !== 'inherited',
    atRest: atRestNow,
    noAccessAtRest: atRestNow === 'no-access',
    access: views ? 'view' : 'copy',
    threadExit: can.threadExit,
    cipher: can.cipher === 'in-place' ? 'in-place' : 'node-crypto',
    sealingKey: context.sealingKey,
    keys: keysOf(can),
    keyReference: keyReference === undefined ? 'none' : 'open',
    checkedAtMs,
  } as const;
  const weaknesses = [...weaknessesOf(facts, context, { openBecause, losses })];
  return Object.freeze({ ...facts, weaknesses: Object.freeze(weaknesses) });
}

/** A backend that was written before there were keys in the contract names none. */
function keysOf({ keys = [], locking }: BackendCapabilities): Receipt['keys'] {
  if (keys.length > 0) return 'in-place';
  return locking === 'none' ? 'node-crypto' : 'refused';
}

type Facts = Omit<Receipt, 'weaknesses'>;

function* weaknessesOf(
  facts: Facts,
  context: ReceiptContext,
  { openBecause, losses }: { openBecause: string | undefined; losses: Losses },
): Generator<Weakness> {
  const { backend } = facts;
  const lacking = `the backend ${backend} does not do it on this machine`;
  const why = (fact: keyof Losses): string => (losses[fact] === undefined ? lacking : TAKEN_AWAY);
  if (facts.fallback) {
    yield { field: 'fallback', reason: 'there was no place on the first backend' };
  }
  if (!facts.locked)
    yield { field: 'locked', reason: `may be swapped: ${why('lockedByteLength')}` };
  if (!facts.guarded) yield { field: 'guarded', reason: why('guarded') };
  else if (facts.guards === 'slab') {
    yield {
      field: 'guards',
      reason: 'guard pages stand at the ends of its slab; a canary stands between neighbours',
    };
  }
  if (!facts.dumpExcluded) yield { field: 'dumpExcluded', reason: why('dumpExcluded') };
  if (!facts.kernelHidden) {
    yield { field: 'kernelHidden', reason: whyReadable(lacking, mayHibernate(kernelText)) };
  }
  if (!facts.forkSafe) {
    const since = losses.forkBehaviour === undefined ? '' : `: ${TAKEN_AWAY}`;
    yield { field: 'forkSafe', reason: `a forked child without exec inherits the bytes${since}` };
  }
  if (openBecause !== undefined) {
    yield { field: 'atRest', reason: `its pages stay open: ${openBecause}` };
  }
  if (losses.protection !== undefined && openBecause === undefined) {
    yield { field: 'atRest', reason: `its pages were found ${facts.atRest}: ${TAKEN_AWAY}` };
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
  if (facts.keys === 'node-crypto') {
    yield { field: 'keys', reason: 'a private key is used through a copy in ordinary memory' };
  }
}

/** Pages that root cannot read cost the whole machine its hibernation, so a backend may leave them alone for that. */
export function whyReadable(lacking: string, hibernates: boolean): string {
  const price = hibernates
    ? "; this machine can hibernate, which pages that are hidden from the kernel would forbid (kernelHidden: 'require' takes them nonetheless)"
    : '';
  return `root can read it through the kernel: ${lacking}${price}`;
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
