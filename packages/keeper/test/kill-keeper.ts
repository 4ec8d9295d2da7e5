import type { CrashPolicy } from '@securemem/core';
import { type CrashReport, type Keeper, type KeeperOptions, openKeeper } from '../src/index.js';
import { type Cell, isSignal } from './crash-cells.js';
import { bytes, rejectionOf, SUBJECT } from './open-subject.js';

/** Long enough for a call on a slow machine, short enough to wait for in the cells that hang. */
const HANG_MS = 1_000;

/** A keeper in which the cell's death can happen, with a host function in which it can happen too. */
export function openForCell(
  { cause }: Cell,
  crashPolicy: CrashPolicy,
  act: () => Promise<void>,
): Promise<Keeper> {
  const options: KeeperOptions = {
    module: SUBJECT,
    crashPolicy,
    callMsMax: cause === 'SIGSTOP' ? HANG_MS : 60_000,
    limits: {
      ...(cause === 'cpu limit' && { cpuSecondsMax: 1 }),
      ...(cause === 'heap exhaustion' && { heapByteLengthMax: 64 * 1024 * 1024 }),
    },
    host: {
      act: async () => {
        await act();
        return bytes('too late');
      },
    },
  };
  return openKeeper(options);
}

/** What a death looked like from the host. */
export interface Death {
  readonly report: CrashReport;
  /** What the call that was open rejected with; undefined where none was open. */
  readonly rejection: unknown;
  /** From the moment of the cause to the rejection, or to the event where no call was open. */
  readonly tookMs: number;
}

/**
 * Makes the keeper of a cell die, without any sleep: each step waits for an answer that shows that the one before has
 * been taken. `inCallback` is resolved with what the host function shall do.
 */
export async function killKeeper(
  cell: Cell,
  crashPolicy: CrashPolicy,
): Promise<{ keeper: Keeper; death: Death; crashes: CrashReport[] }> {
  let causedAtMs = 0;
  const crashes: CrashReport[] = [];
  const kill = (): void => {
    causedAtMs = performance.now();
    if (isSignal(cell.cause)) process.kill(keeper.stats().pid, cell.cause as NodeJS.Signals);
  };
  let onCrash = (_report: CrashReport): void => {};
  const crashed = new Promise<CrashReport>((resolve) => {
    onCrash = resolve;
  });
  const keeper = await openForCell(cell, crashPolicy, async () => {
    kill();
    await crashed;
  });
  keeper.on('crash', (report) => {
    crashes.push(report);
    onCrash(report);
  });

  const rejection = await DIE[cell.activity](keeper, cell, kill);
  const settledAtMs = performance.now();
  const report = await crashed;
  const endMs = rejection === undefined ? performance.now() : settledAtMs;
  return { keeper, crashes, death: { report, rejection, tookMs: endMs - causedAtMs } };
}

type Die = (keeper: Keeper, cell: Cell, kill: () => void) => Promise<unknown>;

const DIE: Record<Cell['activity'], Die> = {
  async busy(keeper, { cause }, kill) {
    if (!isSignal(cause)) {
      kill();
      return rejectionOf(keeper.call('die', bytes(cause)));
    }
    const open = rejectionOf(keeper.call('hold'));
    await keeper.call('spinSoon');
    kill();
    return open;
  },

  async idle(keeper, { cause }, kill) {
    if (!isSignal(cause)) {
      kill();
      await keeper.call('dieIdle', bytes(cause));
      return undefined;
    }
    kill();
    return cause === 'SIGSTOP' ? rejectionOf(keeper.call('echo')) : undefined;
  },

  callback(keeper, { cause }) {
    const operation = isSignal(cause) ? 'callBack' : 'callBackAndDie';
    return rejectionOf(keeper.call(operation, bytes(cause)));
  },
};
