import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zero } from '@securemem/core/contract';
import { KeeperVault } from '../signing/keeper-vault.js';
import { lockedBytesOf } from '../signing/locked-bytes.js';
import { KEY_BYTE_LENGTH } from '../signing/secp256k1.js';
import { crashPolicyOf } from './crash-policies.js';
import { KeeperKiller } from './keeper-killer.js';
import type { KeeperOptions, StormOptions } from './options.js';
import { APPROVAL_MS, allocatorOptions, SAMPLE_MS, type StormSigner } from './storm-signer.js';

/** How often the keeper is asked for its own counters, in milliseconds: what a killed one had counted is known so far. */
const POLL_MS = 25;
const CALL_MS_MAX = 120_000;

/** Keys in a keeper, which is killed on the way if so wanted. Rejects when the keeper does not start. */
export async function openKeeperSigner(
  options: StormOptions,
  keeper: KeeperOptions,
): Promise<StormSigner> {
  const directory = mkdtempSync(join(tmpdir(), 'storm-'));
  const causes: string[] = [];
  const vault = new KeeperVault({
    settings: {
      backend: options.backend,
      kernelHidden: options.kernelHidden,
      allocator: allocatorOptions(options),
      approvalMs: APPROVAL_MS,
    },
    crashPolicy: () => crashPolicyOf(keeper),
    callMsMax: CALL_MS_MAX,
    onCrash: ({ category, signal, activity, decision }) => {
      causes.push(`${category}, ${signal ?? 'no signal'}, while ${activity}: ${decision}`);
    },
    onRestart: () => killer.killIfDue(),
  });
  const killer = new KeeperKiller(keeper.chaos, options.requests, () => vault.stats?.pid ?? 0);
  try {
    await vault.unseal({ kind: 'file', path: throwAwayMasterKey(directory) }, []);
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
  const watch = new KeeperWatch(vault);
  return {
    budgetByteLength: options.budgetByteLength ?? (await vault.figures()).limitByteLength,
    create: () => vault.create(),
    sign: (key, digest) => vault.sign(key, digest),
    settled: (count) => killer.settled(count),
    finish: async () => {
      await watch.stop();
      const { pid = 0, crashes = 0, restarts = 0 } = vault.stats ?? {};
      await vault.close();
      rmSync(directory, { recursive: true });
      return {
        admissionWaits: watch.waits,
        queueLengthPeak: watch.queueLengthPeak,
        lockedByteLengthBefore: 0,
        lockedByteLengthAfter: lockedBytesOf(pid),
        peakLockedByteLength: watch.peak,
        keeperCrashes: crashes,
        keeperRestarts: restarts,
        keeperCauses: causes,
      };
    },
  };
}

/** Figures of a process that may be gone at any moment: the kernel's from outside, its own as far as it told them. */
class KeeperWatch {
  peak = 0;
  readonly #vault: KeeperVault;
  readonly #told = new Map<number, { waits: number; queueLengthPeak: number }>();
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(vault: KeeperVault) {
    this.#vault = vault;
    this.#timers = [
      setInterval(() => this.#look(), SAMPLE_MS),
      setInterval(() => void this.#ask(), POLL_MS),
    ];
  }

  get waits(): number {
    return [...this.#told.values()].reduce((sum, { waits }) => sum + waits, 0);
  }

  get queueLengthPeak(): number {
    return Math.max(0, ...[...this.#told.values()].map((told) => told.queueLengthPeak));
  }

  /** Waits for a restart that is under way: a storm ends with its keeper in one state or another. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#ask('restarting');
  }

  #look(): void {
    this.peak = Math.max(this.peak, lockedBytesOf(this.#vault.stats?.pid ?? 0));
  }

  async #ask(alsoWhile?: 'restarting'): Promise<void> {
    const { state, generation = 0 } = this.#vault.stats ?? {};
    if (state !== 'ready' && state !== alsoWhile) return;
    try {
      const { waits, queueLengthPeak, peakLockedByteLength } = await this.#vault.figures();
      this.#told.set(generation, { waits, queueLengthPeak });
      this.peak = Math.max(this.peak, peakLockedByteLength);
    } catch {
      // It died meanwhile; the next life is asked anew.
    }
  }
}

/** 32 random bytes in a file that ends with the storm: a keeper reads its master key itself, in every life. */
function throwAwayMasterKey(directory: string): string {
  const path = join(directory, 'master-key');
  const bytes = randomFillSync(new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH)));
  writeFileSync(path, bytes, { mode: 0o600 });
  zero(bytes);
  return path;
}
