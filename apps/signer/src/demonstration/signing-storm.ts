import { setMaxListeners } from 'node:events';
import { Transaction } from 'micro-eth-signer';
import { Problem } from '../service/problem.js';
import type { Caller, SigningService } from '../service/signing-service.js';
import { transactionFor } from '../storm/input.js';

const LOOK_MS = 5;
const VERIFY_BATCH = 10;

/** What a storm on the running service showed. Byte lengths are bytes. */
export interface SigningStormReport {
  readonly requests: number;
  readonly signed: number;
  readonly verified: number;
  /** By the problem's name. */
  readonly refused: Readonly<Record<string, number>>;
  /** Requests that waited for a place. */
  readonly waited: number;
  readonly lockedPeakByteLength: number;
  readonly limitByteLength: number;
  readonly signMs: number;
}

/** Signs `requests` transactions at once on the running service, with its first key, and verifies each signature. */
export async function signingStorm(
  service: SigningService,
  requests: number,
  caller: Caller,
): Promise<SigningStormReport> {
  const address = (await service.list('', 1))[0]?.address ?? (await service.create(caller)).address;
  // Every request listens to the one signal of its client.
  setMaxListeners(0, caller.signal);
  const waitsBefore = (await service.figures())?.waits ?? 0;
  const watch = new FiguresWatch(service);
  const startedAt = performance.now();
  const answers = await Promise.allSettled(
    Array.from({ length: requests }, (_, index) =>
      service.signTransaction(address, transactionFor(index), caller),
    ),
  );
  const signMs = Math.round(performance.now() - startedAt);
  watch.stop();
  const signed: string[] = [];
  const refused: Record<string, number> = {};
  for (const answer of answers) {
    if (answer.status === 'fulfilled') signed.push(answer.value.toHex());
    else {
      const name = answer.reason instanceof Problem ? answer.reason.slug : 'aborted';
      refused[name] = (refused[name] ?? 0) + 1;
    }
  }
  const verified = await verify(signed, address);
  const { lockedPeakByteLength, limitByteLength } = watch;
  // A keeper that died meanwhile counts from zero again.
  const waited = Math.max(0, ((await service.figures())?.waits ?? 0) - waitsBefore);
  return {
    ...{ requests, signed: signed.length, verified, refused },
    ...{ waited, lockedPeakByteLength, limitByteLength, signMs },
  };
}

/** Looks at the service's own figures while it works. */
class FiguresWatch {
  lockedPeakByteLength = 0;
  limitByteLength = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(service: SigningService) {
    this.#timer = setInterval(() => void this.#look(service), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(service: SigningService): Promise<void> {
    const figures = await service.figures();
    if (figures === undefined) return;
    this.lockedPeakByteLength = Math.max(this.lockedPeakByteLength, figures.lockedByteLength);
    this.limitByteLength = figures.limitByteLength;
  }
}

/** By another library than the one that signed; the service goes on answering meanwhile. */
async function verify(signed: readonly string[], address: string): Promise<number> {
  let verified = 0;
  for (const [at, raw] of signed.entries()) {
    if (Transaction.fromHex(raw).recoverSender().address === address) verified++;
    if (at % VERIFY_BATCH === 0) await new Promise(setImmediate);
  }
  return verified;
}
