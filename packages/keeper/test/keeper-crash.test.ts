import { halt, isSecureMemoryError, terminate } from '@securemem/core';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { FrameKind, HEADER_BYTE_LENGTH, writeU32 } from '../src/channel/frame.js';
import type { CrashReport } from '../src/index.js';
import {
  bytes,
  freshFile,
  killNow,
  linesOf,
  nextEvent,
  openSubject,
  quickRetry,
  rejectionOf,
  text,
} from './open-subject.js';

const crashOf = (error: Error) =>
  (error as unknown as { details: { crash: CrashReport } }).details.crash;

/** A well-formed reply, for a keeper to send behind the back of its own program. */
function forgedReply(generation: number, id: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTE_LENGTH);
  frame[4] = FrameKind.reply;
  writeU32(frame, 8, generation);
  writeU32(frame, 12, id);
  return frame;
}

describe('S4 a death that races with a call', () => {
  const delaysMs = [0, 1, 5, 20, 250];
  it.each(delaysMs)('is told once, %i ms after sending', { timeout: 300_000 }, async (ms) => {
    for (let n = 0; n < repetitions(50); n++) {
      const keeper = await openSubject({ crashPolicy: terminate() });
      const reports: CrashReport[] = [];
      keeper.on('crash', (report) => reports.push(report));
      const once = rejectionOf(keeper.call('hold'));
      const repeatable = rejectionOf(keeper.call('hold', bytes('x'), { idempotent: true }));
      const crashed = nextEvent(keeper, 'crash');
      if (ms === 0) killNow(keeper);
      else setTimeout(() => killNow(keeper), ms);
      const report = await crashed;
      expect(report).toMatchObject({ category: 'external-kill', signal: 'SIGKILL' });
      expect(await once).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
      expect(await repeatable).toMatchObject({ code: 'ERR_SECMEM_KEEPER_CRASHED' });
      expect(crashOf(await once)).toBe(report);
      expect((await once).cause).toBe(await repeatable);
      expect(reports).toEqual([report]);
      expect(keeper.stats().crashes).toBe(1);
    }
  });

  it('is one typed crash with a thousand calls in both directions of the channel', async () => {
    const keeper = await openSubject({ crashPolicy: terminate() });
    const payload = new Uint8Array(4_096);
    const calls = Array.from({ length: 1_000 }, () => keeper.call('echo', payload));
    await calls[10];
    killNow(keeper);
    const settled = await Promise.allSettled(calls);
    const rejected = settled.filter((result) => result.status === 'rejected');
    for (const { reason } of rejected) expect(reason.kind).toBe('crash');
    expect(keeper.stats()).toMatchObject({ openCalls: 0, waitingCalls: 0, crashes: 1 });
  });
});

describe('S6 halt()', () => {
  it('stops the others who share the policy object, with the first cause, and nobody else', async () => {
    const crashPolicy = halt();
    const [first, second, stranger] = await Promise.all([
      openSubject({ crashPolicy }),
      openSubject({ crashPolicy }),
      openSubject({ crashPolicy: halt() }),
    ]);
    const open = rejectionOf(second.call('hold'));
    const halted = Promise.all([nextEvent(first, 'halt'), nextEvent(second, 'halt')]);
    killNow(first);
    const [cause, shared] = await halted;
    expect(shared).toBe(cause);
    expect((await open).cause).toBe(cause);
    for (const keeper of [first, second]) {
      const later = await rejectionOf(keeper.call('echo'));
      expect(isSecureMemoryError(later, 'ERR_SECMEM_KEEPER_HALTED')).toBe(true);
      expect(later.cause).toBe(cause);
      await keeper.close();
      expect(keeper.stats()).toMatchObject({ state: 'halted', pid: 0 });
    }
    expect(second.stats().crashes).toBe(0);
    expect(await stranger.call('ownSecret')).toEqual(new Uint8Array([32]));
  });
});

describe('S6 terminate()', () => {
  it('loses this keeper’s secrets only, under one policy object too', async () => {
    const crashPolicy = terminate();
    const [doomed, other] = await Promise.all([
      openSubject({ crashPolicy }),
      openSubject({ crashPolicy }),
    ]);
    const before = await other.call('fingerprint', bytes('x'));
    const crashed = nextEvent(doomed, 'crash');
    killNow(doomed);
    await crashed;
    const lost = await rejectionOf(doomed.call('ownSecret'));
    expect(isSecureMemoryError(lost, 'ERR_SECMEM_KEEPER_LOST')).toBe(true);
    expect(await other.call('fingerprint', bytes('x'))).toEqual(before);
  });
});

describe('S7 retry()', () => {
  it('restarts as often as it may, then loses the keeper, and tells each crash once', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry({ restartsMax: 3 }) });
    const reports: CrashReport[] = [];
    keeper.on('crash', (report) => reports.push(report));
    for (let generation = 1; generation <= 4; generation++) {
      const crashed = nextEvent(keeper, 'crash');
      // The answer shows that this life is ready, since calls wait for a restart.
      await keeper.call('echo');
      killNow(keeper);
      await crashed;
    }
    const decisions = reports.map(({ decision }) => decision);
    expect(decisions).toEqual(['restart', 'restart', 'restart', 'terminate']);
    expect(reports.map(({ generation }) => generation)).toEqual([1, 2, 3, 4]);
    expect(keeper.stats()).toMatchObject({ state: 'lost', restarts: 3, crashes: 4 });
    expect(keeper.stats().lastEndings).toHaveLength(4);
    expect(JSON.stringify(keeper.stats())).not.toContain('stderrTail');
  });

  it('lets calls wait for the restart, no longer than callMsMax and the signal allow', async () => {
    const crashPolicy = quickRetry({ backoff: { baseMs: 600_000, capMs: 600_000 } });
    const keeper = await openSubject({ crashPolicy, callMsMax: 300 });
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper);
    await crashed;
    const abort = new AbortController();
    const aborted = rejectionOf(keeper.call('echo', bytes('a'), { signal: abort.signal }));
    const waiting = rejectionOf(keeper.call('echo', bytes('b')));
    abort.abort();
    expect(await aborted).toMatchObject({ name: 'AbortError' });
    expect(keeper.stats()).toMatchObject({ state: 'restarting', waitingCalls: 1, pid: 0 });
    const timeout = await waiting;
    expect(isSecureMemoryError(timeout, 'ERR_SECMEM_WAIT_TIMEOUT')).toBe(true);
    expect(keeper.stats()).toMatchObject({ waitingCalls: 0, crashes: 1 });
    const late = rejectionOf(keeper.call('echo'));
    await keeper.close();
    expect(await late).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });
});

describe('S8 work that was under way', () => {
  it('is not repeated unless it is idempotent: its effect happened once', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    const file = freshFile();
    const call = rejectionOf(keeper.call('appendThenHold', bytes(file)));
    await keeper.call('echo');
    killNow(keeper);
    const error = await call;
    expect(isSecureMemoryError(error, 'ERR_SECMEM_OUTCOME_UNKNOWN')).toBe(true);
    expect(error.cause).toMatchObject({ code: 'ERR_SECMEM_KEEPER_CRASHED' });
    await keeper.call('echo');
    expect(keeper.stats()).toMatchObject({ generation: 2, replays: 0 });
    expect(linesOf(file)).toHaveLength(1);
  });

  it('is repeated in the next life when it is idempotent', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    const file = freshFile();
    const call = keeper.call('appendThenHold', bytes(file), { idempotent: true });
    await keeper.call('echo');
    killNow(keeper);
    expect(await call).toHaveLength(0);
    expect(new Set(linesOf(file)).size).toBe(2);
    expect(keeper.stats()).toMatchObject({ generation: 2, replays: 1 });
  });

  it('is repeated once only, however often it kills its keeper', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry({ restartsMax: 10 }) });
    const file = freshFile();
    const error = await rejectionOf(
      keeper.call('appendThenDie', bytes(file), { idempotent: true }),
    );
    expect(isSecureMemoryError(error, 'ERR_SECMEM_KEEPER_CRASHED')).toBe(true);
    expect(linesOf(file)).toHaveLength(2);
    expect(await keeper.call('ownSecret')).toEqual(new Uint8Array([32]));
  });
});

describe('S9 a new life', () => {
  it('has secrets provisioned anew, not those of the last', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    const before = await keeper.call('fingerprint', bytes('x'));
    expect(await keeper.call('fingerprint', bytes('x'))).toEqual(before);
    killNow(keeper);
    await nextEvent(keeper, 'restart');
    const after = await keeper.call('fingerprint', bytes('x'));
    expect(after).toHaveLength(32);
    expect(after).not.toEqual(before);
  });

  it('drops what a host function returns to the last one', async () => {
    let finish = (_value: Uint8Array): void => {};
    const keeper = await openSubject({
      crashPolicy: quickRetry(),
      host: {
        act: (payload, { generation }) =>
          generation > 1
            ? payload
            : new Promise((resolve) => {
                finish = resolve;
                killNow(keeper);
              }),
      },
    });
    const call = rejectionOf(keeper.call('callBack', bytes('old')));
    await nextEvent(keeper, 'restart');
    expect(crashOf(await call).activity).toBe('callback');
    finish(bytes('late'));
    expect(await keeper.call('callBack', bytes('new'))).toEqual(bytes('new'));
    expect(keeper.stats()).toMatchObject({ lateResults: 1, crashes: 1, generation: 2 });
  });

  it('is not believed when it speaks for the last one', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry() });
    killNow(keeper);
    await nextEvent(keeper, 'restart');
    // The same bytes with the right generation do answer the open call, so only the generation is refused below.
    const answered = keeper.call('hold');
    await keeper.call('forge', forgedReply(2, 1));
    expect(await answered).toHaveLength(0);

    const open = rejectionOf(keeper.call('hold'));
    const crashed = nextEvent(keeper, 'crash');
    void rejectionOf(keeper.call('forge', forgedReply(1, 3)));
    expect((await crashed).category).toBe('protocol');
    const error = await open;
    expect(error).toMatchObject({ code: 'ERR_SECMEM_OUTCOME_UNKNOWN' });
    expect(error.cause).toMatchObject({ code: 'ERR_SECMEM_KEEPER_PROTOCOL' });
  });

  it('is a protocol crash when it answers a call that does not exist', async () => {
    const keeper = await openSubject({ crashPolicy: terminate() });
    const crashed = nextEvent(keeper, 'crash');
    void rejectionOf(keeper.call('forge', forgedReply(1, 77)));
    expect((await crashed).category).toBe('protocol');
  });
});

describe('S13 calls in a queue', () => {
  it('all reject with one cause when the keeper dies, and every place is free again', async () => {
    const keeper = await openSubject({ crashPolicy: quickRetry(), callsMax: 50 });
    const calls = Array.from({ length: 50 }, () => rejectionOf(keeper.call('hold')));
    expect(await rejectionOf(keeper.call('echo'))).toMatchObject({
      code: 'ERR_SECMEM_QUEUE_FULL',
    });
    killNow(keeper);
    const errors = await Promise.all(calls);
    expect(errors).toHaveLength(50);
    expect(new Set(errors.map((error) => error.cause)).size).toBe(1);
    expect(keeper.stats()).toMatchObject({ openCalls: 0, waitingCalls: 0 });
    const again = Array.from({ length: 50 }, (_, n) => keeper.call('echo', bytes(String(n))));
    expect((await Promise.all(again)).map(text)).toEqual(again.map((_, n) => String(n)));
  });

  it('all reject with one cause when they were not sent yet', async () => {
    const keeper = await openSubject({ crashPolicy: terminate() });
    const payload = new Uint8Array(512 * 1_024);
    await keeper.call('spinSoon');
    const calls = Array.from({ length: 50 }, () => rejectionOf(keeper.call('echo', payload)));
    expect(keeper.stats().waitingCalls).toBeGreaterThan(0);
    killNow(keeper);
    const errors = await Promise.all(calls);
    const lost = errors.filter((error) => error.code === 'ERR_SECMEM_KEEPER_LOST');
    const sent = errors.filter((error) => error.code === 'ERR_SECMEM_OUTCOME_UNKNOWN');
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length + sent.length).toBe(50);
    expect(new Set(errors.map((error) => error.cause)).size).toBe(1);
  });
});
