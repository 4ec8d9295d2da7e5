import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isSecureMemoryError, type Secret } from '../src/index.js';
import { createFakeKernel } from '../src/testing/index.js';
import { open, PAGE, sleep, thrown, turn } from './fixture.js';

/** Room for `n` secrets in regions of their own. */
const ownRegions = (n: number) => ({
  routing: { pooledByteLengthMax: 0 },
  budget: { lockedByteLengthMax: n * PAGE },
});

describe('waiting for a place', () => {
  it('A3 allocate() counts what is held, not what is being called: never more than the budget', async () => {
    const { memory, kernel } = open(ownRegions(4));
    let peak = 0;
    const jobs = Array.from({ length: 20 }, async () => {
      const secret = await memory.allocate(32);
      peak = Math.max(peak, kernel.lockedByteLength);
      await turn();
      peak = Math.max(peak, kernel.lockedByteLength);
      secret.dispose();
    });
    await Promise.all(jobs);
    expect(peak).toBe(4 * PAGE);
    expect(memory.stats().admission.waits).toBe(16);
  });

  it('A3 control: permits that are given back when the call resolves let too many in', async () => {
    const { memory, kernel } = open({
      ...ownRegions(20),
      kernel: { lockLimit: { kind: 'unlimited' } },
    });
    let permits = 4;
    const waiting: (() => void)[] = [];
    const admitted = async (): Promise<Secret> => {
      if (permits === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      else permits--;
      try {
        return await memory.allocate(32);
      } finally {
        const next = waiting.shift();
        if (next === undefined) permits++;
        else next();
      }
    };
    const secrets = await Promise.all(Array.from({ length: 20 }, admitted));
    expect(kernel.lockedByteLength).toBeGreaterThan(4 * PAGE);
    for (const secret of secrets) secret.dispose();
  });

  it('A4 taking a second secret while holding the first ends in a timeout, not a hang', async () => {
    const { memory } = open({ ...ownRegions(4), admission: { waitMsMax: 60 } });
    const jobs = Array.from({ length: 4 }, async () => {
      using first = await memory.allocate(32);
      await turn();
      using second = await memory.allocate(32);
      return first.byteLength + second.byteLength;
    });
    const results = await Promise.allSettled(jobs);
    const failures = results.filter((r) => r.status === 'rejected');
    expect(failures.length).toBeGreaterThan(0);
    for (const { reason } of failures) {
      expect(isSecureMemoryError(reason, 'ERR_SECMEM_WAIT_TIMEOUT')).toBe(true);
    }
    expect(memory.stats().secrets).toBe(0);
  });

  it('A4 allocateAll() takes the whole set in one admission: all four finish', async () => {
    const { memory } = open(ownRegions(4));
    const jobs = Array.from({ length: 4 }, async () => {
      const set = await memory.allocateAll([32, 32]);
      await turn();
      for (const secret of set) secret.dispose();
    });
    await expect(Promise.all(jobs)).resolves.toHaveLength(4);
  });

  it('A4 twenty kinds of random sets never deadlock', async () => {
    const { memory } = open({ admission: { waitMsMax: 5_000 } });
    let seed = 42;
    const random = (n: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % n;
    };
    const sizes = [8, 32, 64, 200, 1024, 2048, 2049, 4096, 9000];
    const kinds = Array.from({ length: 20 }, () =>
      Array.from({ length: 1 + random(4) }, () => sizes[random(sizes.length)] as number),
    );
    const jobs = Array.from({ length: 400 }, async (_, i) => {
      const set = await memory.allocateAll(kinds[i % kinds.length] as number[]);
      for (let k = random(4); k > 0; k--) await turn();
      for (const secret of set) secret.dispose();
    });
    await Promise.all(jobs);
    expect(memory.stats().admission.waits).toBeGreaterThan(0);
    expect(memory.stats().secrets).toBe(0);
  });

  it('A5 allocate() times out between one and ten times the wait, and its place goes to the next', async () => {
    const { memory } = open(ownRegions(1));
    const holder = memory.allocateSync(32);
    const since = performance.now();
    const impatient = memory.allocate(32, { waitMsMax: 50 });
    const patient = memory.allocate(32);
    await expect(impatient).rejects.toMatchObject({ code: 'ERR_SECMEM_WAIT_TIMEOUT' });
    const waited = performance.now() - since;
    expect(waited).toBeGreaterThanOrEqual(49);
    expect(waited).toBeLessThan(500);
    holder.dispose();
    (await patient).dispose();
  });

  it('A5 allocate() rejects with signal.reason while queued, and leaves no place behind', async () => {
    const { memory } = open(ownRegions(1));
    const holder = memory.allocateSync(32);
    const abort = new AbortController();
    const aborted = memory.allocate(32, { signal: abort.signal });
    const next = memory.allocate(32);
    const reason = new Error('the client went away');
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(memory.stats().admission).toMatchObject({ waiting: 1, aborts: 1 });
    holder.dispose();
    (await next).dispose();
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  });

  it('A5 allocate() with a signal that is aborted already takes nothing', async () => {
    const { memory } = open();
    await expect(memory.allocate(32, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(memory.stats().secrets).toBe(0);
  });

  it('A5 the queue holds its maximum and refuses the next at once', async () => {
    const { memory } = open({ ...ownRegions(1), admission: { queueLengthMax: 3 } });
    const holder = memory.allocateSync(32);
    const queued = [1, 2, 3].map(() => memory.allocate(32));
    await expect(memory.allocate(32)).rejects.toMatchObject({ code: 'ERR_SECMEM_QUEUE_FULL' });
    holder.dispose();
    for (const waiting of queued) (await waiting).dispose();
    expect(memory.stats().admission).toMatchObject({ waiting: 0, queueLengthPeak: 3, refusals: 1 });
  });

  it('A5 waiters are served in the order in which they came', async () => {
    const { memory } = open(ownRegions(1));
    const holder = memory.allocateSync(32);
    const order: number[] = [];
    const jobs = [0, 1, 2, 3, 4].map(async (i) => {
      const secret = await memory.allocate(32);
      order.push(i);
      secret.dispose();
    });
    holder.dispose();
    await Promise.all(jobs);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('A12 what can never fit is refused at once, and nobody behind it waits longer', async () => {
    const { memory } = open(ownRegions(4));
    const since = performance.now();
    await expect(memory.allocate(5 * PAGE)).rejects.toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
      kind: 'capacity',
      details: { limitByteLength: 4 * PAGE, requestedByteLength: 5 * PAGE },
    });
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(memory.stats().admission.waits).toBe(0);
    expect(thrown(() => memory.allocateSync(5 * PAGE)).code).toBe('ERR_SECMEM_TOO_LARGE');
    await expect(memory.allocateAll([PAGE, PAGE, PAGE, PAGE, 1])).rejects.toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
    });
    (await memory.allocate(4 * PAGE)).dispose();
  });

  it('A12 a waiter that a lowered limit makes impossible is refused', async () => {
    const { memory, kernel } = open({ routing: { pooledByteLengthMax: 0 } });
    const holder = memory.allocateSync(PAGE);
    const waiting = memory.allocate(16 * PAGE);
    await turn();
    kernel.setLockLimit({ kind: 'bytes', byteLength: 8 * PAGE });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SECMEM_TOO_LARGE' });
    holder.dispose();
  });

  it('A12 what can never fit is refused as such beside others that wait, and not told to wait too', async () => {
    const { memory } = open(ownRegions(4));
    const held = memory.allocateAllSync([1, 1, 1, 1]);
    const waiting = memory.allocate(32);
    const tooLarge = { code: 'ERR_SECMEM_TOO_LARGE', details: { limit: 'budget' } };
    await expect(memory.allocate(5 * PAGE)).rejects.toMatchObject(tooLarge);
    expect(thrown(() => memory.allocateSync(5 * PAGE))).toMatchObject(tooLarge);
    for (const secret of held) secret.dispose();
    (await waiting).dispose();
  });

  it('A12 also where nobody may be overtaken any more', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: 2 * PAGE } });
    const kept = memory.allocateSync(32);
    const waiting = memory.allocate(2 * PAGE);
    const overtaking = Array.from({ length: 16 }, () => memory.allocateSync(32));
    expect(thrown(() => memory.allocateSync(32))).toMatchObject({ details: { limit: 'queue' } });
    expect(thrown(() => memory.allocateSync(3 * PAGE)).code).toBe('ERR_SECMEM_TOO_LARGE');
    for (const secret of [kept, ...overtaking]) secret.dispose();
    (await waiting).dispose();
  });

  it('A12 a waiter that a lowered limit makes impossible is refused under headroom too', async () => {
    const { memory, kernel } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: 5 * PAGE } },
      routing: { pooledByteLengthMax: 0 },
      budget: { headroomByteLength: PAGE },
    });
    const [first, ...held] = memory.allocateAllSync([1, 1, 1, 1]);
    const waiting = memory.allocate(3 * PAGE);
    kernel.setLockLimit({ kind: 'bytes', byteLength: 3 * PAGE });
    first?.dispose();
    await expect(waiting).rejects.toMatchObject({
      code: 'ERR_SECMEM_TOO_LARGE',
      details: { limit: 'lock', limitByteLength: 2 * PAGE, requestedByteLength: 3 * PAGE },
    });
    for (const secret of held) secret.dispose();
  });
});

describe('who may overtake', () => {
  it('A13 one large waiter is served within a bounded number of releases under a stream of small ones', async () => {
    const { memory } = open({ admission: { waitMsMax: 20_000 } });
    const held: Secret[] = [];
    while (memory.stats().primary.mappedByteLength < 16 * PAGE) held.push(memory.allocateSync(32));
    let served = false;
    const large = memory.allocate(8 * PAGE).then((secret) => {
      served = true;
      secret.dispose();
    });
    const stream: Promise<unknown>[] = [];
    let releases = 0;
    for (const bound = held.length + 32; !served && releases <= bound; releases++) {
      stream.push(memory.allocate(32).then((secret) => held.push(secret)));
      held.shift()?.dispose();
      await turn();
    }
    expect(served).toBe(true);
    await large;
    await Promise.all(stream);
    for (const secret of held) secret.dispose();
  });

  it('A13 allocateSync() overtakes a waiter 16 times at most, and only into slots that are there', async () => {
    const { memory } = open({ routing: { pooledByteLengthMax: 2048 } });
    const kept = memory.allocateSync(32);
    const waiting = memory.allocate(16 * PAGE);
    await turn();
    const overtaking = Array.from({ length: 16 }, () => memory.allocateSync(32));
    const refused = thrown(() => memory.allocateSync(32));
    expect(refused).toMatchObject({ code: 'ERR_SECMEM_LOCK_LIMIT', details: { limit: 'queue' } });
    for (const secret of [kept, ...overtaking]) secret.dispose();
    (await waiting).dispose();
  });

  it('D3 C4 one large request that cannot be served leaves the slots to others that old secrets keep from it', async () => {
    const { memory } = open();
    const old = [memory.allocateSync(16)];
    const large = memory.allocate(61_441);
    await turn();
    old.push(...Array.from({ length: 16 }, () => memory.allocateSync(16)));
    const refused = (byteLength: number): void => {
      const error = thrown(() => memory.allocateSync(byteLength));
      expect(error).toMatchObject({ details: { limit: 'queue' } });
    };
    // As long as the old ones might go soon the slab is kept; whoever waits sees that they do not.
    refused(16);
    for (let i = 0; i < 50; i++) (await memory.allocate(16)).dispose();
    const later = Array.from({ length: 100 }, () => memory.allocateSync(16));
    expect(memory.stats().admission).toMatchObject({ waiting: 1, timeouts: 0 });
    // What is vacant, or will be, is for the large one alone.
    refused(3_000);
    // The old ones go: from now on nobody comes in, and the slab runs empty.
    for (const secret of old) secret.dispose();
    refused(16);
    const small = memory.allocate(16);
    for (const secret of later) secret.dispose();
    expect((await large).byteLength).toBe(61_441);
    (await large).dispose();
    (await small).dispose();
  });

  it('D3 keeps no more slabs than the first needs, and opens them when it gives up', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: 3 * PAGE } });
    const secrets: Secret[] = [];
    while (secrets.length < 3 * 170) secrets.push(memory.allocateSync(16));
    const stop = new AbortController();
    const outcome = memory.allocate(PAGE, { signal: stop.signal }).catch((reason) => reason);
    await turn();
    for (let i = 0; i < 16; i++) {
      secrets.shift()?.dispose();
      secrets.push(memory.allocateSync(16));
    }
    for (const slab of [0, 1, 2]) {
      for (const secret of secrets.slice(slab * 170 + 20, slab * 170 + 30)) secret.dispose();
    }
    const others: Secret[] = [];
    const takeAll = (): number => {
      const before = others.length;
      const error = thrown(() => {
        for (;;) others.push(memory.allocateSync(16));
      });
      expect(isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
      return others.length - before;
    };
    expect(takeAll()).toBe(20);
    stop.abort('given up');
    expect(await outcome).toBe('given up');
    expect(takeAll()).toBe(10);
    for (const secret of [...secrets, ...others]) secret.dispose();
    expect(memory.stats().secrets).toBe(0);
  });

  it('D3 one that shares a page is not starved by short ones that part what is free', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: 2 * PAGE } });
    const short: Secret[] = [];
    const take = (): boolean => {
      try {
        short.push(memory.allocateSync(200));
        return true;
      } catch (error) {
        expect(isSecureMemoryError(error, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
        return false;
      }
    };
    while (take());
    const { length } = short;
    let served = false;
    const waiting = memory.allocate(2_900).then((secret) => {
      served = true;
      secret.dispose();
    });
    let rounds = 0;
    // Whoever is there for long is replaced at once by somebody new.
    for (; !served && rounds < 10 * length; rounds++) {
      short.splice((rounds * 7) % short.length, 1)[0]?.dispose();
      take();
      await turn();
    }
    expect(rounds).toBeLessThan(4 * length + 32);
    await waiting;
    for (const secret of short) secret.dispose();
  });

  it('D3 a set that waits for the number of secrets is not starved by single ones', async () => {
    const { memory } = open({ budget: { secretsMax: 20 } });
    // Those that come and go are in a slab that the set does not need.
    const kept = Array.from({ length: 5 }, () => memory.allocateSync(16));
    const held = Array.from({ length: 15 }, () => memory.allocateSync(100));
    let served = false;
    const set = memory.allocateAll(Array.from({ length: 5 }, () => 16)).then((secrets) => {
      served = true;
      for (const secret of secrets) secret.dispose();
    });
    let rounds = 0;
    for (; !served && rounds < 200; rounds++) {
      held.shift()?.dispose();
      try {
        held.push(memory.allocateSync(100));
      } catch (error) {
        expect(isSecureMemoryError(error)).toBe(true);
      }
      await turn();
    }
    expect(rounds).toBeLessThan(30);
    await set;
    for (const secret of [...kept, ...held]) secret.dispose();
  });

  it('A13 allocateSync() maps no page that a waiter needs', async () => {
    const { memory } = open();
    const kept = memory.allocateSync(32);
    const waiting = memory.allocate(16 * PAGE);
    await turn();
    expect(thrown(() => memory.allocateSync(4096))).toMatchObject({ details: { limit: 'queue' } });
    kept.dispose();
    (await waiting).dispose();
  });

  it('A13 one long-lived slot in each page is named as fragmentation', async () => {
    const { memory } = open({ routing: { slabByteLengthMax: PAGE } });
    const secrets: Secret[] = [];
    while (memory.stats().primary.mappedByteLength < 16 * PAGE)
      secrets.push(memory.allocateSync(64));
    while (memory.stats().primary.slabs.some((slab) => slab.live < slab.slots)) {
      secrets.push(memory.allocateSync(64));
    }
    const perSlab = secrets.length / 16;
    for (const [i, secret] of secrets.entries()) if (i % perSlab !== 0) secret.dispose();
    const error = thrown(() => memory.allocateSync(2 * PAGE));
    expect(error.message).toMatch(/fragmentation: 16 slabs are held by one long-lived secret each/);
    expect(error.details).toMatchObject({ fragmentation: { slabsHeldByOneSecret: 16 } });
  });
});

describe('one limit, several allocators', () => {
  it('A14 each of two serves everything under one limit, and gives pages back to the other', async () => {
    const kernel = createFakeKernel();
    const two = [open({ kernel, idleMs: 20 }), open({ kernel, idleMs: 20 })];
    let peak = 0;
    const jobs = two.flatMap(({ memory }) =>
      Array.from({ length: 100 }, async () => {
        const set = await memory.allocateAll([2000, 2000, 2000]);
        peak = Math.max(peak, kernel.lockedByteLength);
        await turn();
        for (const secret of set) secret.dispose();
      }),
    );
    await Promise.all(jobs);
    expect(peak).toBeLessThanOrEqual(65_536);
    for (const { memory } of two) {
      const { mapCalls } = memory.stats().primary;
      expect(mapCalls).toBeGreaterThan(0);
    }
    await sleep(100);
    expect(kernel.lockedByteLength).toBe(0);
  });

  it('A14 an idle allocator lets its warm pages go to a starving one', async () => {
    const kernel = createFakeKernel();
    const idle = open({ kernel, idleMs: 40 });
    const starving = open({ kernel, idleMs: 40 });
    for (const secret of idle.memory.allocateAllSync([30_000, 30_000])) secret.dispose();
    expect(kernel.lockedByteLength).toBe(65_536);
    (await starving.memory.allocate(40_000, { waitMsMax: 10_000 })).dispose();
    expect(idle.memory.stats().primary.unmapCalls).toBeGreaterThan(0);
  });

  it('A14 what somebody else locks is respected, and its release is noticed', async () => {
    const { memory, kernel } = open();
    kernel.lockForeign(65_536);
    const waiting = memory.allocate(32);
    await sleep(30);
    expect(memory.stats().secrets).toBe(0);
    kernel.unlockForeign(65_536);
    (await waiting).dispose();
  });

  it('A14 a set that is refused half-way holds nothing while it waits', async () => {
    const { memory, kernel, backend } = open(ownRegions(8));
    backend.fail('map', { on: 3, times: 1 });
    const waiting = memory.allocateAll([32, 32, 32, 32]);
    await turn();
    expect(kernel.regionCount).toBe(0);
    for (const secret of await waiting) secret.dispose();
  });

  /** Two allocators under one limit of three pages: the second has what it wants, and the first was refused by the kernel. */
  async function contending() {
    const kernel = createFakeKernel({ lockLimit: { kind: 'bytes', byteLength: 3 * PAGE } });
    const [first, second] = [open({ kernel }), open({ kernel })];
    const held = second.memory.allocateSync(2 * PAGE);
    const secret = first.memory.allocateSync(PAGE);
    const waiting = first.memory.allocate(PAGE);
    await turn();
    expect(first.memory.stats().admission.waiting).toBe(1);
    return { kernel, first, second, held, secret, waiting };
  }

  it('D2 gives vacant pages back at once after a refusal by the kernel, its own waiters first', async () => {
    const { kernel, first, held, secret, waiting } = await contending();
    secret.dispose();
    const next = await waiting;
    expect(kernel.lockedByteLength).toBe(3 * PAGE);
    next.dispose();
    expect(kernel.lockedByteLength).toBe(2 * PAGE);
    // A slab that ran empty goes as well, and what stays keeps its page.
    const [a, b] = first.memory.allocateAllSync([32, 32]);
    a.dispose();
    expect(kernel.lockedByteLength).toBe(3 * PAGE);
    b.dispose();
    expect(kernel.lockedByteLength).toBe(2 * PAGE);
    held.dispose();
  });

  it('D2 keeps no open secret of a store for its next use then, and all of it only for a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const kernel = createFakeKernel({ lockLimit: { kind: 'bytes', byteLength: 8 * PAGE } });
    const [first, second] = [open({ kernel }), open({ kernel })];
    const store = first.memory.store();
    store.setSync('a', new Uint8Array(new ArrayBuffer(32)).fill(1));
    const useOnce = (): number => store.useSync('a', (secret) => secret.byteLength);
    useOnce();
    expect(store.stats().open).toBe(1);
    const rest = second.memory.allocateSync(8 * PAGE - kernel.lockedByteLength);
    expect(thrown(() => first.memory.allocateSync(2 * PAGE)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    useOnce();
    expect(store.stats().open).toBe(0);
    vi.advanceTimersByTime(1_001);
    rest.dispose();
    const kept = first.memory.allocateSync(PAGE);
    const before = kernel.lockedByteLength;
    kept.dispose();
    useOnce();
    expect(kernel.lockedByteLength).toBeGreaterThanOrEqual(before);
    expect(store.stats().open).toBe(1);
    store.dispose();
  });

  it('D2 control: a refusal by the own account, or none, lets vacant pages wait for their next use', () => {
    const { memory, kernel } = open({ budget: { lockedByteLengthMax: 2 * PAGE } });
    const secrets = memory.allocateAllSync([PAGE, PAGE]);
    expect(thrown(() => memory.allocateSync(PAGE)).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    for (const secret of secrets) secret.dispose();
    expect(kernel.lockedByteLength).toBe(2 * PAGE);
  });
});
