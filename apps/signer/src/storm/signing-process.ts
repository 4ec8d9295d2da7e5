import { createAllocator, isSecureMemoryError } from '@securemem/core';
import { makeAccounts, type StormAccount } from './accounts.js';
import { openBackend } from './backend.js';
import { transactionFor } from './input.js';
import { runLoad } from './load.js';
import { LockedBytes } from './locked-bytes.js';
import type { Failed, Figures, Signed, StormMessage } from './messages.js';
import type { StormOptions } from './options.js';
import { signRequest } from './request.js';

/** Few enough to fit beside anything, many enough that requests do not share one key. */
const ACCOUNTS = 8;
const SAMPLE_MS = 2;
const FLUSH_COUNT = 100;

/** The process that signs: a child of its own, so that its death is an observation and its limits are its own. */
async function main(options: StormOptions): Promise<void> {
  let unhandledRejections = 0;
  process.on('unhandledRejection', () => unhandledRejections++);
  const locked = new LockedBytes();
  const lockedByteLengthBefore = locked.sample();
  const backend = openBackend(options.backend, options.kernelHidden);
  const memory = createAllocator({
    backend,
    onCapacity: options.onCapacity,
    ...(options.placement === 'page' ? { routing: { pooledByteLengthMax: 0 } } : {}),
    ...(options.budgetByteLength === undefined
      ? {}
      : { budget: { lockedByteLengthMax: options.budgetByteLength } }),
    admission: { queueLengthMax: 1_000_000, waitMsMax: 600_000 },
  });
  const masterKey = memory.randomSync(32);
  const accounts = makeAccounts(memory, masterKey, ACCOUNTS);
  locked.sample();
  const senders = accounts.map(({ address }) => address);
  const budget = options.budgetByteLength ?? memory.stats().primary.limitByteLength;
  await send({ type: 'opened', budgetByteLength: budget, senders });

  const outbox = new Outbox();
  const sampler = setInterval(() => locked.sample(), SAMPLE_MS);
  const startedAt = performance.now();
  await runLoad(
    options.requests,
    options.concurrency,
    (index) => {
      const account = accounts[index % ACCOUNTS] as StormAccount;
      return signRequest(memory, masterKey, account, transactionFor(index), () => locked.sample());
    },
    {
      settled: (index, transaction) =>
        outbox.signed({ index, account: index % ACCOUNTS, raw: transaction.toHex() }),
      failed: (index, code) => outbox.failed({ index, code }),
    },
  );
  const signMs = performance.now() - startedAt;
  clearInterval(sampler);
  await outbox.flush();
  const { waits, queueLengthPeak } = memory.stats().admission;
  masterKey.dispose();
  await memory.close();
  backend[Symbol.dispose]();
  const figures: Figures = {
    admissionWaits: waits,
    queueLengthPeak,
    lockedByteLengthBefore,
    lockedByteLengthAfter: locked.sample(),
    peakLockedByteLength: locked.peak,
    unhandledRejections,
    signMs,
  };
  locked.close();
  await send({ type: 'finished', figures });
}

/** Sends answers in batches: a message for each would be a cost of the storm, not of the signing. */
class Outbox {
  #signed: Signed[] = [];
  #failed: Failed[] = [];

  signed(entry: Signed): void {
    this.#signed.push(entry);
    this.#flushFull();
  }

  failed(entry: Failed): void {
    this.#failed.push(entry);
    this.#flushFull();
  }

  async flush(): Promise<void> {
    const [signed, failed] = [this.#signed, this.#failed];
    this.#signed = [];
    this.#failed = [];
    if (signed.length + failed.length > 0) await send({ type: 'settled', signed, failed });
  }

  #flushFull(): void {
    if (this.#signed.length + this.#failed.length < FLUSH_COUNT) return;
    // A parent that is gone makes sending fail; this process ends then by itself.
    this.flush().catch(() => process.exit(1));
  }
}

function send(message: StormMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

process.once('disconnect', () => process.exit(1));
try {
  await main(JSON.parse(process.argv[2] ?? '{}') as StormOptions);
} catch (error) {
  const code = isSecureMemoryError(error) ? error.code : 'ERROR';
  await send({ type: 'refused', code, message: (error as Error).message });
} finally {
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}
