import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { halt } from '@securemem/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Keeper } from '../src/index.js';
import { killNow, openSubject, quickRetry, rejectionOf } from './open-subject.js';

/** What a subscriber may do to a keeper whose next process Node is just making. */
const DEEDS: readonly [string, (keeper: Keeper) => void, NodeJS.Signals | null][] = [
  ['kills it', (keeper) => void keeper.kill(), 'SIGKILL'],
  ['closes it', (keeper) => void keeper.close(), null],
  ['closes and kills it', (keeper) => void Promise.all([keeper.close(), keeper.kill()]), 'SIGKILL'],
];

/** Calls `deed` from within the next start of any process, and gives the process. */
function atNextStart(deed: () => void): Promise<ChildProcess> {
  return new Promise((resolve) => {
    const told = (message: unknown): void => {
      unsubscribe('child_process', told);
      const { process } = message as { process: ChildProcess };
      onTestFinished(() => void process.kill('SIGKILL'));
      deed();
      resolve(process);
    };
    subscribe('child_process', told);
    onTestFinished(() => void unsubscribe('child_process', told));
  });
}

/** How the process of a start ends; the start itself comes after whoever is told of it. */
async function endOf(process: ChildProcess): Promise<NodeJS.Signals | null> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  return process.signalCode;
}

describe('C5 a subscriber that is told of a start in the middle of it', () => {
  it.each(DEEDS)('%s, and no process is left', async (_, deed, signal) => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    const started = atNextStart(() => deed(keeper));
    killNow(keeper);

    expect(await endOf(await started)).toBe(signal);
    await keeper.close();
    expect(keeper.stats()).toMatchObject({ state: 'closed', generation: 2, pid: 0, crashes: 1 });
    expect(await rejectionOf(keeper.call('echo'))).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });

  it('trips the latch of its policy, and no process is left', async () => {
    const shared = halt();
    const keeper = await openSubject({ crashPolicy: quickRetry({ then: shared }) });
    const cause = new Error('another keeper crashed');
    const started = atNextStart(() => shared.latch.trip(cause));
    killNow(keeper);

    expect(await endOf(await started)).toBe('SIGKILL');
    const refused = await rejectionOf(keeper.call('echo'));
    expect(refused).toMatchObject({ code: 'ERR_SECMEM_KEEPER_HALTED', cause });
    await keeper.close();
    expect(keeper.stats()).toMatchObject({ state: 'halted', pid: 0 });
  });

  it('may be told of the very first start', async () => {
    const shared = halt();
    const started = atNextStart(() => shared.latch.trip(new Error('another keeper crashed')));
    const opening = rejectionOf(openSubject({ crashPolicy: shared }));
    expect(await endOf(await started)).toBe('SIGKILL');
    expect(await opening).toMatchObject({ code: 'ERR_SECMEM_KEEPER_HALTED' });
  });
});
