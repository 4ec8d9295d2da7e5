import { throwIfAborted } from '../common/abort-signal.js';
import { onAbort } from '../common/on-abort.js';
import type { SignatureAlgorithm } from '../contract/keys.js';
import type { Lease } from '../secret/lease.js';
import { ownerOf, placeFor, type Secret } from '../secret/secret.js';
import { messageOf, rangeOf, type Signable } from './private-key.js';

/** The lease of a key while signatures are under way, one for all of them. */
interface Held {
  readonly lease: Lease;
  signatures: number;
}

const held = new WeakMap<Secret, Held>();

/** Whether the backend of a key signs on another thread, in its page. */
export function signsLater(algorithm: SignatureAlgorithm, key: Secret): boolean {
  const { region } = placeFor(key, 'read').host;
  const { keysLater = [] } = region.backend.capabilities;
  // Where there are no views, a lease would be a copy of the key.
  return keysLater.includes(algorithm) && region.ownView !== undefined;
}

/**
 * Signs on another thread. Until that is settled the key is lent: its place is neither wiped nor given to anybody, and it
 * cannot be written to. Whoever wipes it all the same (a purge, the loss of a view) revokes what has not begun first: that
 * rejects. Precondition: `signsLater`.
 */
export async function signLater(
  algorithm: SignatureAlgorithm,
  key: Secret,
  signable: Signable,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const place = placeFor(key, 'read');
  const { backend } = place.host.region;
  const { distantReaders } = ownerOf(key).places;
  const release = hold(key);
  let withdraw = (): void => {};
  try {
    const pending = backend.signLater(
      algorithm,
      rangeOf(key, 'read'),
      messageOf(algorithm, signable),
    );
    const reader = { ...place, stop: () => pending.revoke() };
    distantReaders.add(reader);
    const unlisten = signal === undefined ? undefined : onAbort(signal, reader.stop);
    withdraw = () => {
      distantReaders.delete(reader);
      unlisten?.();
    };
    const signature = await pending.signature.catch((error: unknown) => {
      throwIfAborted(signal);
      placeFor(key, 'read'); // Of a key that was purged meanwhile: that is the reason, whatever the backend found there.
      throw error;
    });
    throwIfAborted(signal);
    return signature;
  } finally {
    withdraw();
    release();
  }
}

function hold(key: Secret): () => void {
  const one = held.get(key) ?? { lease: key.lend(), signatures: 0 };
  held.set(key, one);
  one.signatures++;
  return () => {
    one.signatures--;
    if (one.signatures > 0) return;
    held.delete(key);
    one.lease.release();
  };
}
