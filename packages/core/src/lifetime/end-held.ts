import { performance } from 'node:perf_hooks';
import { inSlices } from '../common/slice.js';
import { SecureMemoryError } from '../contract/errors.js';
import { type OpenAccesses, whenAccessesClosed } from '../places/open-accesses.js';
import type { Places } from '../places/places.js';
import { isLent, type Secret } from '../secret/secret.js';

/** What the end of a phase does about leases that are open. */
export interface EndOptions {
  readonly onOpenAccess: 'wait' | 'throw';
  readonly waitMsMax: number;
}

/**
 * Ends every secret that is held, some in each turn, and adds what goes wrong to `errors`. With `'wait'` it first waits for those that
 * are lent, all the same time; with `'throw'` it says how many there were. One that is lent between two turns is treated
 * alike. Every handle is disposed when this settles; it does not reject.
 */
export async function endHeld(
  places: Places,
  held: ReadonlySet<Secret>,
  { onOpenAccess, waitMsMax }: EndOptions,
  errors: unknown[],
): Promise<void> {
  const until = performance.now() + waitMsMax;
  const disposalErrors: unknown[] = [];
  let waits = onOpenAccess === 'wait';
  let lentCount = 0;
  for (let complete = false; !complete; ) {
    const lent: Secret[] = [];
    const look = waits ? inSlices(held, (secret) => addIfLent(secret, lent)) : undefined;
    if (look !== undefined) await look;
    if (lent.length > 0) {
      const leftMs = Math.max(0, Math.round(until - performance.now()));
      const closed = whenAccessesClosed(places, new Lent(lent), leftMs, 'phase end');
      await closed.catch((error: unknown) => {
        errors.push(error);
        waits = false;
      });
      continue;
    }
    complete = true;
    const disposal = inSlices(held, (secret) => {
      if (isLent(secret)) {
        lentCount++;
        if (waits) {
          complete = false;
          return;
        }
      }
      try {
        secret.dispose();
      } catch (error) {
        disposalErrors.push(error);
      }
    });
    if (disposal !== undefined) await disposal;
  }
  if (onOpenAccess === 'throw' && lentCount > 0) errors.push(inUseError(lentCount));
  errors.push(...disposalErrors);
}

function addIfLent(secret: Secret, lent: Secret[]): void {
  if (isLent(secret)) lent.push(secret);
}

/**
 * Secrets of a phase that are lent. Whether any is left is asked whenever an access closes, anywhere: the last alone is looked
 * at until it is given back, so that a large phase costs the accesses of others nothing.
 */
class Lent implements OpenAccesses {
  readonly #secrets: Secret[];

  constructor(secrets: Secret[]) {
    this.#secrets = secrets;
  }

  any(): boolean {
    const secrets = this.#secrets;
    while (secrets.length > 0 && !isLent(secrets.at(-1) as Secret)) secrets.pop();
    return secrets.length > 0;
  }

  count(): number {
    return this.#secrets.filter(isLent).length;
  }
}

function inUseError(openAccesses: number): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_IN_USE',
    `the phase ended with ${openAccesses} secrets lent; their bytes stay until they are released`,
    { operation: 'phase end', details: { openAccesses } },
  );
}
