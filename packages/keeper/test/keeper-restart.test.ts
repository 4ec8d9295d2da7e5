import { getEventListeners } from 'node:events';
import { halt, retry, terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { openKeeper } from '../src/index.js';
import {
  bytes,
  freshFile,
  isAlive,
  killNow,
  linesOf,
  nextEvent,
  openSubject,
  quickRetry,
  rejectionOf,
  text,
} from './open-subject.js';

const STARTS = new URL('./modules/starts.mjs', import.meta.url);

describe('restart()', () => {
  it('lets open calls end, keeps those that come meanwhile for the next process, and uses up no restart', async () => {
    const keeper = await openSubject({
      crashPolicy: retry({ restartsMax: 1, windowMs: 600_000 }),
      host: { act: async () => void (await new Promise((resolve) => setTimeout(resolve, 200))) },
    });
    const { pid } = keeper.stats();
    const restarted = nextEvent(keeper, 'restart');
    const open = keeper.call('callBack', bytes('x'));
    const restart = keeper.restart();
    expect(keeper.restart()).toBe(restart);
    const late = keeper.call('pid');
    expect(keeper.stats()).toMatchObject({ state: 'restarting', waitingCalls: 1, openCalls: 1 });
    expect(await open).toHaveLength(0);
    await restart;
    expect(isAlive(pid)).toBe(false);
    expect(Number(text(await late))).toBe(keeper.stats().pid);
    expect(await restarted).toMatchObject({ generation: 2, restarts: 0, planned: true });
    expect(keeper.stats()).toMatchObject({
      state: 'ready',
      plannedRestarts: 1,
      restarts: 0,
      crashes: 0,
    });
    killNow(keeper);
    expect(await nextEvent(keeper, 'restart')).toMatchObject({ restarts: 1, planned: false });
  });

  it('signals a process that does not leave, and not the one that follows', async () => {
    const keeper = await openSubject({ closeMsMax: 50, termMsMax: 50 });
    killNow(keeper, 'SIGSTOP');
    await keeper.restart();
    expect(keeper.stats().lastEndings).toMatchObject([
      { category: 'requested-exit', signal: 'SIGKILL', decision: 'closed' },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(text(await keeper.call('echo', bytes('x')))).toBe('x');
    expect(keeper.stats()).toMatchObject({ generation: 2, crashes: 0 });
  });

  it('is over with the keeper: by a crash that the policy does not forgive, by close(), after either', async () => {
    const lost = await openSubject({ crashPolicy: terminate() });
    void rejectionOf(lost.call('hold'));
    const restart = rejectionOf(lost.restart());
    killNow(lost);
    expect((await restart).code).toBe('ERR_SECMEM_KEEPER_LOST');
    expect((await rejectionOf(lost.restart())).code).toBe('ERR_SECMEM_KEEPER_LOST');

    const closed = await openSubject({ host: { act: async () => bytes('y') } });
    const open = closed.call('callBack', bytes('x'));
    const ended = rejectionOf(closed.restart());
    const waiting = closed.call('echo', bytes('z'));
    await closed.close();
    expect((await ended).code).toBe('ERR_SECMEM_CLOSED');
    // What was accepted is carried out: close() waits for it, in the process that was to be replaced.
    expect(text(await open)).toBe('y');
    expect(text(await waiting)).toBe('z');
    expect((await rejectionOf(closed.restart())).code).toBe('ERR_SECMEM_CLOSED');
    expect(closed.stats()).toMatchObject({ state: 'closed', generation: 1 });
  });
});

describe('recycle', () => {
  it.each([
    ['so many calls', { callsMax: 5 }],
    ['a time', { ageMsMax: 1_000 }],
    ['a size', { residentByteLengthMax: 16 * 1_048_576 }],
  ])('replaces a process after %s, and loses nothing', async (_, recycle) => {
    const keeper = await openSubject({ recycle, crashPolicy: terminate() });
    const first = keeper.stats().pid;
    for (let n = 0; keeper.stats().generation < 3; n++) {
      expect(text(await keeper.call('echo', bytes(String(n))))).toBe(String(n));
    }
    expect(isAlive(first)).toBe(false);
    expect(keeper.stats()).toMatchObject({ crashes: 0, restarts: 0 });
    expect(keeper.stats().plannedRestarts).toBeGreaterThanOrEqual(2);
    await keeper.close();
  });

  it('refuses what is no bound', async () => {
    for (const recycle of [{ callsMax: 0 }, { ageMsMax: 999 }, { calls: 1 }, 5]) {
      const refused = await rejectionOf(openKeeper({ module: STARTS, recycle: recycle as never }));
      expect(refused.name).toMatch(/^(TypeError|RangeError)$/);
    }
  });
});

describe('KS9 a start that fails', () => {
  it('is heard of each time it is tried', async () => {
    const crashes: string[] = [];
    const failed = await rejectionOf(
      openKeeper({
        module: STARTS,
        env: { FAULT: 'reject' },
        crashPolicy: quickRetry({ restartsMax: 2, then: terminate() }),
        listeners: { crash: ({ category, decision }) => crashes.push(`${category} ${decision}`) },
      }),
    );
    expect(failed.code).toBe('ERR_SECMEM_KEEPER_CRASHED');
    expect(crashes).toEqual(['spawn restart', 'spawn restart', 'spawn terminate']);
  });

  it('can be given up, while it hangs and while the next try waits, and leaves no process', async () => {
    for (const env of [{ FAULT: 'hang' }, { FAULT: 'reject' }]) {
      const log = freshFile();
      const abort = new AbortController();
      const reason = new Error('given up');
      const opening = rejectionOf(
        openKeeper({
          module: STARTS,
          env: { ...env, LOG: log },
          crashPolicy: retry({ backoff: { baseMs: 600_000, capMs: 600_000 } }),
          signal: abort.signal,
          listeners: { crash: () => abort.abort(reason) },
        }),
      );
      if (env.FAULT === 'hang') {
        while (!linesOfMaybe(log).length) await new Promise((resolve) => setImmediate(resolve));
        abort.abort(reason);
      }
      expect(await opening).toBe(reason);
      expect(linesOf(log).map(Number).filter(isAlive)).toEqual([]);
    }
    const aborted = AbortSignal.abort(new Error('before'));
    expect(await rejectionOf(openKeeper({ module: STARTS, signal: aborted }))).toBe(aborted.reason);
  });

  it('leaves no listener on a signal, whether it opens, fails later or fails in that very step', async () => {
    const { signal } = new AbortController();
    const crashPolicy = halt();
    const opened = await openSubject({ signal });
    const later = openKeeper({ module: STARTS, env: { FAULT: 'reject' }, crashPolicy, signal });
    expect((await rejectionOf(later)).code).toBe('ERR_SECMEM_KEEPER_CRASHED');
    const atOnce = rejectionOf(openKeeper({ module: STARTS, crashPolicy, signal }));
    expect((await atOnce).code).toBe('ERR_SECMEM_KEEPER_HALTED');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await opened.close();
  });

  it('refuses listeners and signals that are none', async () => {
    for (const options of [
      { signal: 1 },
      { listeners: { crash: 'x' } },
      { listeners: { lost() {} } },
    ]) {
      const refused = rejectionOf(openKeeper({ module: STARTS, ...(options as object) }));
      expect(await refused).toBeInstanceOf(TypeError);
    }
  });
});

function linesOfMaybe(path: string): string[] {
  try {
    return linesOf(path);
  } catch {
    return [];
  }
}
