import { describe, expect, it } from 'vitest';
import { isSecureMemoryError, type Phase, type SecureMemoryError } from '../src/index.js';
import { open, thrown } from './fixture.js';

describe('the end of a phase', () => {
  it('Z8 waits for the last of several leases', async () => {
    const { memory } = open();
    const order: string[] = [];
    let releases: (() => void)[] = [];
    const ended = memory
      .phase((phase) => {
        const leases = phase.allocateAllSync([32, 32]).map((secret) => secret.lend());
        releases = leases.map((lease) => () => lease.release());
      })
      .then(() => order.push('ended'));
    for (const release of releases.length > 0 ? releases : await started(() => releases)) {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('released');
      release();
    }
    await ended;
    expect(order).toEqual(['released', 'released', 'ended']);
    expect(memory.stats().secrets).toBe(0);
  });

  it('Z5 leaves a phase that begins nothing any more', async () => {
    const { memory } = open();
    let kept: Phase | undefined;
    await memory.phase((phase) => {
      kept = phase;
    });
    await expect(kept?.phase(() => {})).rejects.toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
    expect(thrown(() => kept?.allocateSync(32))).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });

  it('tells every error, and releases the rest all the same', async () => {
    const { memory, kernel } = open();
    let release = (): void => {};
    const ended = memory.phase(
      (phase) => {
        const [lent, damaged] = phase.allocateAllSync([64, 64]);
        const lease = lent?.lend();
        release = () => lease?.release();
        damaged?.write((bytes) => bytes.fill(1));
        // One byte past the second of two slots of 64 bytes, which a canary of 8 bytes precedes each.
        kernel.poke(kernel.regionIds[0] as never, 8 + 72 + 64, Uint8Array.of(0x5a));
        kernel.poke(kernel.regionIds[0] as never, 8 + 72 + 65, Uint8Array.of(0xa5));
      },
      { onOpenAccess: 'throw' },
    );
    const error = await ended.catch((thrownByEnd: unknown) => thrownByEnd as SecureMemoryError);
    expect(isSecureMemoryError(error)).toBe(true);
    expect((error as SecureMemoryError).details['errors']).toMatchObject([
      { code: 'ERR_SECMEM_IN_USE' },
      { code: 'ERR_SECMEM_CANARY_MISMATCH' },
    ]);
    release();
    expect(memory.stats()).toMatchObject({ secrets: 0, quarantine: { damagedSlots: 1 } });
  });
});

describe('loadAll()', () => {
  it('G1 calls no loader when its signal is aborted before they begin', async () => {
    const { memory } = open();
    const abort = new AbortController();
    const reason = new Error('not needed any more');
    let calls = 0;
    const loading = memory.loadAll(
      [1, 2, 3].map(() => (phase: Phase) => {
        calls++;
        return phase.randomSync(32);
      }),
      { signal: abort.signal },
    );
    abort.abort(reason);
    await expect(loading).rejects.toBe(reason);
    expect(calls).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });

  it('G1 does not mind what a late loader returns that is no secret', async () => {
    const { memory } = open();
    let finish = (_: never): void => {};
    const late = new Promise<never>((resolve) => {
      finish = resolve;
    });
    const failure = new Error('the first failed');
    const loading = memory.loadAll([() => Promise.reject(failure), () => late]);
    await expect(loading).rejects.toMatchObject({ code: 'ERR_SECMEM_LOAD_FAILED', cause: failure });
    finish('no secret' as never);
    await late;
    await new Promise((resolve) => setImmediate(resolve));
    expect(memory.stats()).toMatchObject({ state: 'open', secrets: 0 });
  });
});

/** Waits until there is something. */
async function started<T>(list: () => T[]): Promise<T[]> {
  while (list().length === 0) await new Promise((resolve) => setImmediate(resolve));
  return list();
}
