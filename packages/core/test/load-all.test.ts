import { describe, expect, it } from 'vitest';
import { type Allocator, type Loader, type Secret, SecureMemoryError } from '../src/index.js';
import { open, sleep, turn } from './fixture.js';

const repetitions = process.env['SECUREMEM_PROOF'] === 'full' ? 1_000 : 100;

const key: Loader = (phase) => phase.random(32);
const failing =
  (error: unknown): Loader =>
  async (phase) => {
    await phase.random(32);
    throw error;
  };

/** A secret that is made now and handed over later. */
function later(memory: Allocator): {
  loader: Loader;
  arrive: () => Promise<void>;
  secret: () => Secret;
} {
  let secret: Secret | undefined;
  let resolve: (secret: Secret) => void = () => {};
  const arrival = new Promise<Secret>((r) => {
    resolve = r;
  });
  return {
    loader: () => {
      secret = memory.randomSync(32);
      return arrival;
    },
    arrive: async () => {
      resolve(secret as Secret);
      await turn();
    },
    secret: () => secret as Secret,
  };
}

describe('loadAll()', () => {
  it('gives every secret in the order of the loaders, one after another unless told', async () => {
    const { memory } = open();
    const order: string[] = [];
    const loaders = [0, 1, 2].map(
      (n): Loader =>
        async (phase, index, signal) => {
          order.push(`start ${index}`);
          expect(signal.aborted).toBe(false);
          await sleep(5 - 2 * n);
          order.push(`end ${index}`);
          return phase.allocateSync(n + 1);
        },
    );
    const secrets = await memory.loadAll(loaders);
    expect(secrets.map((secret) => secret.byteLength)).toEqual([1, 2, 3]);
    expect(order).toEqual(['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2']);
    expect(memory.stats().secrets).toBe(3);
    expect(await memory.loadAll([])).toEqual([]);
  });

  it('N21 gives a tuple for a list that is written out, and an array for any other', async () => {
    const { memory } = open();
    // No assertion and no `?.`: the compiler knows that both are there.
    const [signing, tls] = await memory.loadAll([key, (phase) => phase.random(16)]);
    expect([signing.byteLength, tls.byteLength]).toEqual([32, 16]);
    const [a, b] = await memory.allocateAll([1, 2]);
    const [c, d] = memory.allocateAllSync([3, 4]);
    expect([a, b, c, d].map(({ byteLength }) => byteLength)).toEqual([1, 2, 3, 4]);
    const loaders: Loader[] = [key];
    const some: Secret[] = await memory.loadAll(loaders);
    const inPhase = await memory.phase(async (phase) => {
      const [only] = await phase.loadAll([key]);
      return only.byteLength;
    });
    expect([some.length, inPhase]).toEqual([1, 32]);
    // @ts-expect-error there is no third one
    expect(await memory.allocateAll([1, 2]).then((secrets) => secrets[2])).toBeUndefined();
  });

  it('runs no more loaders at a time than it was told', async () => {
    const { memory } = open();
    let running = 0;
    let peak = 0;
    const loader: Loader = async (phase) => {
      peak = Math.max(peak, ++running);
      await turn();
      running--;
      return phase.allocateSync(1);
    };
    await memory.loadAll(new Array(10).fill(loader), { concurrencyMax: 3 });
    expect(peak).toBe(3);
  });

  it.each([0, 3, 4])('G1 releases all five when #%i fails, and names it', async (bad) => {
    const { memory, kernel } = open();
    const warm = await memory.loadAll([key]);
    for (const secret of warm) secret.dispose();
    const locked = kernel.lockedByteLength;
    for (let round = 0; round < repetitions; round++) {
      const cause = new Error('corrupt');
      const loaders = [key, key, key, key, key];
      loaders[bad] = failing(cause);
      const error = await memory.loadAll(loaders).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'ERR_SECMEM_LOAD_FAILED',
        kind: 'misuse',
        details: { index: bad, cleanupErrors: [] },
      });
      expect((error as Error).cause).toBe(cause);
      expect(memory.stats().secrets).toBe(0);
    }
    expect(kernel.lockedByteLength).toBe(locked);
  });

  it('G1 takes a missing secret, a disposed one and a throw for failures alike', async () => {
    const { memory } = open();
    const disposed: Loader = (phase) => {
      const secret = phase.allocateSync(1);
      secret.dispose();
      return secret;
    };
    const cases: [Loader, unknown][] = [
      [() => undefined as never, expect.any(TypeError)],
      [() => Buffer.alloc(1) as never, expect.any(TypeError)],
      [disposed, expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' })],
      [() => Promise.reject(), undefined],
    ];
    for (const [loader, cause] of cases) {
      const error = await memory.loadAll([key, loader, key]).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'ERR_SECMEM_LOAD_FAILED', details: { index: 1 } });
      expect((error as Error).cause).toEqual(cause);
      expect(memory.stats().secrets).toBe(0);
    }
  });

  it('G2 releases what arrives after another loader failed', async () => {
    const { memory } = open();
    for (let round = 0; round < repetitions; round++) {
      const late = later(memory);
      const loaders = [key, failing(new Error('first')), key, key, late.loader];
      const error = await memory.loadAll(loaders, { concurrencyMax: 5 }).catch((e: unknown) => e);
      expect(error).toMatchObject({ details: { index: 1 } });
      expect(memory.stats().secrets).toBe(1);
      await late.arrive();
      expect(late.secret().disposed).toBe(true);
      expect(memory.stats().secrets).toBe(0);
    }
  });

  it('G2 shows the trap: Promise.all abandons what arrives later', async () => {
    const { memory } = open();
    const late = later(memory);
    const all = Promise.all([
      Promise.reject(new Error('first')),
      late.loader({} as never, 1, {} as never),
    ]);
    await expect(all).rejects.toThrow('first');
    await late.arrive();
    expect(memory.stats().secrets).toBe(1);
  });

  it('tells the others by their signal, and starts no more of them', async () => {
    const { memory } = open();
    let reason: unknown;
    let started = 0;
    const patient: Loader = (_, __, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason);
        });
      });
    const counted: Loader = (phase) => {
      started++;
      return phase.allocateSync(1);
    };
    const loaders = [patient, failing(new Error('x')), counted, counted];
    const error = await memory.loadAll(loaders, { concurrencyMax: 2 }).catch((e: unknown) => e);
    await turn();
    expect(reason).toMatchObject({ code: 'ERR_SECMEM_LOAD_FAILED', details: { index: 1 } });
    expect(error).toMatchObject({ details: { index: 1 } });
    expect(started).toBe(0);
  });

  it('refuses a place to a loader that goes on after the load failed', async () => {
    const { memory } = open();
    let straggler: Promise<unknown> = Promise.resolve();
    const slow: Loader = async (phase, _, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await turn();
      straggler = phase.allocate(32);
      return straggler as Promise<Secret>;
    };
    const load = memory.loadAll([slow, failing(new Error('x'))], { concurrencyMax: 2 });
    await expect(load).rejects.toMatchObject({ code: 'ERR_SECMEM_LOAD_FAILED' });
    await turn();
    await turn();
    await expect(straggler).rejects.toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('fails with the index of a loader that takes too long', async () => {
    const { memory } = open();
    const late = later(memory);
    const load = memory.loadAll([key, late.loader], { waitMsMax: 20 });
    await expect(load).rejects.toMatchObject({
      code: 'ERR_SECMEM_LOAD_FAILED',
      details: { index: 1 },
      cause: { code: 'ERR_SECMEM_WAIT_TIMEOUT' },
    });
    await late.arrive();
    expect(memory.stats().secrets).toBe(0);
  });

  it('ends with the reason of its signal, before and during the load', async () => {
    const { memory } = open();
    const reason = new Error('enough');
    const early = memory.loadAll([key], { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    const abort = new AbortController();
    const late = later(memory);
    const load = memory.loadAll([key, late.loader], { signal: abort.signal });
    await turn();
    abort.abort(reason);
    await expect(load).rejects.toBe(reason);
    await late.arrive();
    expect(memory.stats().secrets).toBe(0);
  });

  it('G3 releases all the others when the release of one throws, and keeps the first error', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' } });
    const cause = new Error('first');
    const saboteur: Loader = () => {
      backend.fail('wipe');
      throw cause;
    };
    const secrets: Secret[] = [];
    const kept: Loader = async (phase) => {
      const secret = await phase.random(32);
      secrets.push(secret);
      return secret;
    };
    const load = memory.loadAll([kept, kept, kept, saboteur]).catch((e: unknown) => e);
    const error = (await load) as SecureMemoryError;
    expect(error).toBeInstanceOf(SecureMemoryError);
    expect(error).toMatchObject({ code: 'ERR_SECMEM_LOAD_FAILED', details: { index: 3 } });
    expect(error.cause).toBe(cause);
    expect(error.details['cleanupErrors']).toEqual([
      expect.objectContaining({ code: 'ERR_SECMEM_PLATFORM' }),
    ]);
    expect(secrets.map((secret) => secret.disposed)).toEqual([true, true, true]);
    expect(memory.stats()).toMatchObject({ secrets: 0, events: { 'release-failed': 1 } });
  });

  it('G4 takes one secret at two places for one, and releases it once', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' } });
    const shared = memory.randomSync(32);
    const alias: Loader = () => shared;
    const [one, two] = await memory.loadAll([alias, alias]);
    expect(one).toBe(two);
    expect(memory.stats().secrets).toBe(1);
    const wipes = backend.calls('wipe');
    await memory.loadAll([alias, alias, failing(new Error('x'))]).catch(() => {});
    expect(shared.disposed).toBe(true);
    // One for the shared secret and one for what the failing loader had.
    expect(backend.calls('wipe') - wipes).toBe(2);
    expect(memory.stats().secrets).toBe(0);
  });

  it('fails when a loader disposes what another has loaded', async () => {
    const { memory } = open();
    let first: Secret | undefined;
    const load = memory.loadAll([
      async (phase) => {
        first = await phase.random(32);
        return first;
      },
      (phase) => {
        first?.dispose();
        return phase.randomSync(32);
      },
    ]);
    await expect(load).rejects.toMatchObject({
      code: 'ERR_SECMEM_LOAD_FAILED',
      details: { index: 0 },
      cause: { code: 'ERR_SECMEM_DISPOSED' },
    });
    expect(memory.stats().secrets).toBe(0);
  });

  it('releases what a loader allocated beside its secret', async () => {
    const { memory } = open();
    const [secret] = await memory.loadAll([
      async (phase) => {
        const text = await phase.adopt(Buffer.from('aabb'));
        return phase.fromHex(text);
      },
    ]);
    expect(secret?.byteLength).toBe(2);
    expect(memory.stats().secrets).toBe(1);
  });

  it('ends with the phase that it was called on', async () => {
    const { memory } = open();
    const secrets = await memory.phase(async (phase) => {
      const loaded = await phase.loadAll([key, key]);
      expect(loaded.every((secret) => !secret.disposed)).toBe(true);
      return loaded;
    });
    expect(secrets.map((secret) => secret.disposed)).toEqual([true, true]);
  });

  it('checks its arguments before a loader runs', async () => {
    const { memory } = open();
    let ran = false;
    const loader: Loader = (phase) => {
      ran = true;
      return phase.allocateSync(1);
    };
    await expect(memory.loadAll([loader, 1 as never])).rejects.toThrow(TypeError);
    await expect(memory.loadAll(loader as never)).rejects.toThrow(TypeError);
    await expect(memory.loadAll([loader], { concurrencyMax: 0 })).rejects.toThrow(RangeError);
    await expect(memory.loadAll([loader], { waitMsMax: -1 })).rejects.toThrow(RangeError);
    await expect(memory.loadAll([loader], { signal: {} as never })).rejects.toThrow(TypeError);
    expect(ran).toBe(false);
  });
});
