import { existsSync, writeFileSync } from 'node:fs';
import { isSecureMemoryError } from '@securemem/core';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
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

const KIB = 1_024;

describe('call()', () => {
  it('carries bytes there and back, empty, short, and longer than any buffer on the way', async () => {
    const keeper = await openSubject({ payloadByteLengthMax: 1_024 * KIB });
    for (const byteLength of [
      0,
      1,
      16,
      64,
      65,
      4_095,
      4_097,
      65_519,
      65_520,
      65_521,
      1_024 * KIB,
    ]) {
      const payload = new Uint8Array(byteLength).map((_, index) => index * 31 + byteLength);
      const result = await keeper.call('echo', payload);
      expect(Buffer.compare(result, payload)).toBe(0);
    }
  });

  it('gives every result to its own caller with a thousand calls in flight', async () => {
    const keeper = await openSubject();
    const results = await Promise.all(
      Array.from({ length: repetitions(10_000) }, async (_, n) => {
        const payload = bytes(String(n));
        return text(await keeper.call('echo', payload)) === String(n);
      }),
    );
    expect(results).not.toContain(false);
  });

  it('holds back what the keeper does not take, and delivers all of it in the end', async () => {
    const keeper = await openSubject();
    const payload = new Uint8Array(256 * KIB).fill(7);
    const calls = Array.from({ length: 100 }, () => keeper.call('echo', payload));
    expect(keeper.stats().waitingCalls).toBeGreaterThan(50);
    for (const result of await Promise.all(calls)) expect(result.length).toBe(payload.length);
    expect(keeper.stats()).toMatchObject({ waitingCalls: 0, openCalls: 0 });
  });

  it('takes callsMax calls, refuses one more with QUEUE_FULL, and takes one again after an answer', async () => {
    const keeper = await openSubject({ callsMax: 3 });
    const abort = new AbortController();
    const held = [0, 1].map(() => rejectionOf(keeper.call('hold')));
    const file = freshFile();
    const third = rejectionOf(keeper.call('untilAborted', bytes(file), { signal: abort.signal }));
    const refused = await rejectionOf(keeper.call('echo'));
    expect(isSecureMemoryError(refused, 'ERR_SECMEM_QUEUE_FULL')).toBe(true);
    abort.abort();
    await third;
    // The place is free when the keeper has answered, not when the caller has given up.
    while (keeper.stats().openCalls === 3) await new Promise((resolve) => setImmediate(resolve));
    expect(await keeper.call('echo')).toHaveLength(0);
    await keeper.kill();
    await Promise.all(held);
  });

  it('refuses bad arguments before anything changes, a secret payload untouched', async () => {
    const keeper = await openSubject({ payloadByteLengthMax: 64 });
    const as = <T>(value: unknown) => value as T;
    const secret = new Uint8Array(new ArrayBuffer(65)).fill(1);
    expect(await rejectionOf(keeper.call(as(1)))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(keeper.call('echo', as('text')))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(keeper.call('nonsense'))).toBeInstanceOf(RangeError);
    expect(await rejectionOf(keeper.call('toString'))).toBeInstanceOf(RangeError);
    const tooLong = keeper.call('secretSum', secret, { secret: true });
    expect(await rejectionOf(tooLong)).toBeInstanceOf(RangeError);
    const both = { secret: true, idempotent: true };
    const short = secret.subarray(0, 64);
    expect(await rejectionOf(keeper.call('echo', short, both))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(keeper.call('echo', short, as({ x: 1 })))).toBeInstanceOf(TypeError);
    expect(secret.every((byte) => byte === 1)).toBe(true);
    expect(await keeper.call('echo', new Uint8Array(64))).toHaveLength(64);
    expect(keeper.stats().calls).toBe(1);
  });

  it('S10 rejects with the error of the operation, and the keeper lives on', async () => {
    const keeper = await openSubject();
    let crashes = 0;
    keeper.on('crash', () => crashes++);
    const pid = text(await keeper.call('pid'));
    const quota = await rejectionOf(keeper.call('allocateAll'));
    expect(isSecureMemoryError(quota, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
    expect(quota).toMatchObject({ kind: 'capacity', backend: 'koffi' });
    const plain = await rejectionOf(keeper.call('throwPlain'));
    expect(plain).toMatchObject({ code: 'ERR_PLAIN', cause: { message: 'deeper' } });
    const noBytes = await rejectionOf(keeper.call('returnText'));
    expect(noBytes).toMatchObject({ name: 'TypeError' });
    expect(text(await keeper.call('pid'))).toBe(pid);
    expect(crashes).toBe(0);
  });

  it('goes on over a purge inside the keeper, without the secrets', async () => {
    const keeper = await openSubject();
    // All in one piece on the channel: the purge must not take the calls behind it.
    const purged = keeper.call('purge');
    const behind = [1, 2, 3].map((n) => keeper.call('echo', new Uint8Array([n])));
    expect((await Promise.all([purged, ...behind])).slice(1).map(([n]) => n)).toEqual([1, 2, 3]);
    const error = await rejectionOf(keeper.call('fingerprint', bytes('x')));
    expect(isSecureMemoryError(error, 'ERR_SECMEM_DISPOSED')).toBe(true);
    const payload = new Uint8Array(10_000).fill(3);
    expect(await keeper.call('echo', payload)).toEqual(payload);
    await keeper.close();
    expect(keeper.stats().lastEndings).toMatchObject([{ category: 'requested-exit', code: 0 }]);
  });

  it('S10 rejects with the error of a host function through both processes', async () => {
    const keeper = await openSubject({
      host: {
        act: () => {
          throw Object.assign(new Error('the host says no'), { code: 'ERR_HOST' });
        },
      },
    });
    const error = await rejectionOf(keeper.call('callBack'));
    expect(error).toMatchObject({ message: 'the host says no', code: 'ERR_HOST' });
    expect(keeper.stats().hostCalls).toBe(1);
  });

  it('answers callbacks to the host, many at once, each with its own result', async () => {
    const keeper = await openSubject({
      host: { act: async (payload) => payload.map((byte) => byte ^ 255) },
    });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, n) => keeper.call('callBack', new Uint8Array([n]))),
    );
    expect(results.map((result) => result[0])).toEqual(results.map((_, n) => n ^ 255));
  });

  it('rejects with signal.reason at once and cancels the call inside the keeper', async () => {
    const keeper = await openSubject();
    const file = freshFile();
    const abort = new AbortController();
    const call = keeper.call('untilAborted', bytes(file), { signal: abort.signal });
    await keeper.call('echo');
    const reason = new Error('no longer needed');
    abort.abort(reason);
    expect(await rejectionOf(call)).toBe(reason);
    while (keeper.stats().openCalls > 0) await keeper.call('echo').then(() => {});
    expect(linesOf(file)).toHaveLength(1);
    const before = rejectionOf(
      keeper.call('echo', bytes(''), { signal: AbortSignal.abort(reason) }),
    );
    expect(await before).toBe(reason);
  });

  it('removes an aborted call that waits in the host, and never sends it', async () => {
    const keeper = await openSubject();
    const filler = new Uint8Array(512 * KIB);
    const filling = Array.from({ length: 8 }, () => keeper.call('echo', filler));
    const abort = new AbortController();
    const file = freshFile();
    const waiting = keeper.call('appendThenHold', bytes(file), { signal: abort.signal });
    const before = keeper.stats().waitingCalls;
    expect(before).toBeGreaterThan(0);
    abort.abort();
    expect(keeper.stats().waitingCalls).toBe(before - 1);
    await rejectionOf(waiting);
    await Promise.all(filling);
    expect(keeper.stats()).toMatchObject({ waitingCalls: 0, openCalls: 0 });
    expect(existsSync(file)).toBe(false);
  });
});

describe('call() with a secret payload', () => {
  it('delivers every byte into secure memory and wipes the sender’s', async () => {
    const keeper = await openSubject();
    for (const byteLength of [1, 32, 4_079, 4_080, 4_081, 4_096, 8_200, 20_000]) {
      const secret = new Uint8Array(new ArrayBuffer(byteLength)).map((_, index) => index + 1);
      const sum = secret.reduce((total, byte) => (total + byte) & 255, 0);
      const [seen, low, high] = await keeper.call('secretSum', secret, { secret: true });
      expect([seen, (low as number) + 256 * (high as number)]).toEqual([sum, byteLength]);
      expect(secret.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('S10 rejects with an ordinary error where there is no place, and the channel goes on', async () => {
    const keeper = await openSubject();
    await rejectionOf(keeper.call('allocateAll'));
    const secret = new Uint8Array(new ArrayBuffer(20_000)).fill(1);
    const error = await rejectionOf(keeper.call('secretSum', secret, { secret: true }));
    expect(error).toMatchObject({ kind: 'capacity' });
    expect(secret.every((byte) => byte === 0)).toBe(true);
    expect(await keeper.call('echo', bytes('on'))).toEqual(bytes('on'));
  });

  it('wipes the sender’s bytes when the call is refused, too', async () => {
    const keeper = await openSubject();
    await keeper.close();
    const secret = new Uint8Array(new ArrayBuffer(32)).fill(1);
    const error = await rejectionOf(keeper.call('secretSum', secret, { secret: true }));
    expect(isSecureMemoryError(error, 'ERR_SECMEM_CLOSED')).toBe(true);
    expect(secret.every((byte) => byte === 0)).toBe(true);
  });

  it('wipes the sender’s bytes when the keeper dies before they are all gone', async () => {
    const keeper = await openSubject({ payloadByteLengthMax: 16 * 1_024 * KIB });
    const crashed = nextEvent(keeper, 'crash');
    const secret = new Uint8Array(8 * 1_024 * KIB).fill(1);
    await keeper.call('spinSoon');
    const call = rejectionOf(keeper.call('secretSum', secret, { secret: true }));
    process.kill(keeper.stats().pid, 'SIGKILL');
    await crashed;
    await call;
    expect(secret.every((byte) => byte === 0)).toBe(true);
  });

  it('wipes the sender’s bytes when the next life does not have the operation any more', async () => {
    const forget = freshFile();
    const module = new URL('./modules/forgets.mjs', import.meta.url);
    const keeper = await openSubject({
      module,
      crashPolicy: quickRetry(),
      env: { FORGET: forget },
    });
    writeFileSync(forget, '');
    const crashed = nextEvent(keeper, 'crash');
    killNow(keeper);
    await crashed;
    const secret = new Uint8Array(new ArrayBuffer(32)).fill(1);
    const waiting = rejectionOf(keeper.call('take', secret, { secret: true }));
    expect(keeper.stats()).toMatchObject({ state: 'restarting', waitingCalls: 1 });
    expect(await waiting).toBeInstanceOf(RangeError);
    expect(secret.every((byte) => byte === 0)).toBe(true);
    expect(await keeper.call('echo', bytes('on'))).toEqual(bytes('on'));
  });
});
