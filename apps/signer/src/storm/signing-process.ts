import { isSecureMemoryError } from '@securemem/core';
import { attachSignature, digestOf } from '../signing/transaction.js';
import type { WrappedKey } from '../signing/vault.js';
import { openInProcessSigner } from './in-process-signer.js';
import { transactionFor } from './input.js';
import { openKeeperSigner } from './keeper-signer.js';
import { runLoad } from './load.js';
import type { Failed, Signed, StormMessage } from './messages.js';
import type { StormOptions } from './options.js';
import type { StormSigner } from './storm-signer.js';

/** Few enough to fit beside anything, many enough that requests do not share one key. */
const ACCOUNTS = 8;
const FLUSH_COUNT = 100;

/** The process under load: a child of its own, so that its death is an observation and its limits are its own. */
async function main(options: StormOptions): Promise<void> {
  let unhandledRejections = 0;
  process.on('unhandledRejection', () => unhandledRejections++);
  const { keeper } = options;
  const signer =
    keeper === undefined ? openInProcessSigner(options) : await openKeeperSigner(options, keeper);
  const accounts: WrappedKey[] = [];
  for (let made = 0; made < ACCOUNTS; made++) accounts.push(await signer.create());
  const senders = accounts.map(({ address }) => address);
  await send({ type: 'opened', budgetByteLength: signer.budgetByteLength, senders });

  const startedAt = performance.now();
  await underLoad(options, signer, accounts);
  const signMs = performance.now() - startedAt;
  const figures = { ...(await signer.finish()), unhandledRejections, signMs };
  await send({ type: 'finished', figures });
}

/** Every request of the storm, and every answer on its way to the parent. */
async function underLoad(
  { requests, concurrency }: StormOptions,
  signer: StormSigner,
  accounts: readonly WrappedKey[],
): Promise<void> {
  const outbox = new Outbox();
  let answers = 0;
  const sign = async (index: number) => {
    const transaction = transactionFor(index);
    const account = accounts[index % ACCOUNTS] as WrappedKey;
    return attachSignature(transaction, await signer.sign(account, digestOf(transaction)));
  };
  await runLoad(requests, concurrency, sign, {
    settled: (index, transaction) => {
      outbox.signed({ index, account: index % ACCOUNTS, raw: transaction.toHex() });
      signer.settled(++answers);
    },
    failed: (index, code) => {
      outbox.failed({ index, code });
      signer.settled(++answers);
    },
  });
  await outbox.flush();
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
