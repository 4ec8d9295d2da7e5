import { describe, expect, it } from 'vitest';
import type { Allocator, Secret } from '../src/index.js';
import { type Fixture, type FixtureOptions, open, PAGE, thrown, turn } from './fixture.js';
import { onFirst, thrownBySubscribers } from './subscribers.js';

/** Each secret has pages of its own. */
const pages = (count: number): FixtureOptions => ({
  routing: { pooledByteLengthMax: 0 },
  budget: { lockedByteLengthMax: count * PAGE },
});
const bytesOf = (value: number, byteLength = 32): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(value);
const holds = (secret: Secret, value: number): boolean =>
  secret.read((bytes) => bytes.every((byte) => byte === value));

/** What a subscriber does, given all secrets that there are and the end of whatever waits. */
interface Stage {
  readonly memory: Allocator;
  readonly secrets: Secret[];
  readonly stop: AbortController;
  closing?: Promise<unknown>;
}
const DEEDS: Record<string, (stage: Stage) => void> = {
  'does nothing': () => {},
  throws: () => {
    throw new Error('thrown by the subscriber');
  },
  aborts: ({ stop }) => stop.abort('enough'),
  disposes: ({ secrets }) => {
    for (const secret of secrets) secret.dispose();
  },
  allocates: ({ memory, secrets }) => {
    for (let i = 0; i < 3; i++) {
      try {
        secrets.push(memory.adoptSync(bytesOf(0xc3)));
      } catch {}
    }
  },
  purges: ({ memory }) => memory.purge(),
  verifies: ({ memory }) => void memory.verify(),
  closes: (stage) => {
    stage.closing = stage.memory.close();
  },
};

interface Scene {
  readonly event: string;
  readonly options: FixtureOptions;
  /** Sets the stage; what is returned makes the event happen, and settles when all of its consequences have. */
  play(fixture: Fixture, stage: Stage): () => Promise<unknown> | undefined;
}

/** Ways in which a queue, a pass through it or the account is in the middle of something when an event happens. */
const SCENES: Record<string, Scene> = {
  'a region refuses to go while room is made for a waiter': {
    event: 'securemem:release-failed',
    options: pages(4),
    play({ memory, backend }, { secrets, stop }) {
      const two = memory.allocateSync(2 * PAGE - 100);
      for (const spare of [memory.allocateSync(32), memory.allocateSync(32)]) spare.dispose();
      const waiting = memory
        .allocate(3 * PAGE - 100, { signal: stop.signal })
        .then((secret) => secrets.push(secret))
        .catch(() => {});
      expect(memory.stats().admission.waiting).toBe(1);
      backend.fail('unmap', { on: 2 });
      return () => {
        two.dispose();
        return waiting;
      };
    },
  },
  'a region cannot be wiped in the midst of a purge': {
    event: 'securemem:release-failed',
    options: pages(8),
    play({ memory, backend }, { secrets }) {
      secrets.push(memory.allocateSync(32), memory.allocateSync(32));
      backend.fail('wipe');
      return () => {
        memory.purge('by the scene');
        return undefined;
      };
    },
  },
  'a region refuses to go while a secret moves': {
    event: 'securemem:release-failed',
    options: pages(4),
    play({ memory, backend }, { secrets }) {
      const [secret, ...spares] = [1, 2, 3].map((value) => memory.adoptSync(bytesOf(value)));
      for (const spare of spares) spare.dispose();
      secrets.push(secret as Secret);
      backend.fail('unmap');
      return () => {
        try {
          (secret as Secret).resize(PAGE + 1);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'capacity' });
        }
        return undefined;
      };
    },
  },
  'a view escapes': {
    event: 'securemem:quarantine',
    options: {},
    play({ memory, backend }, { secrets, stop }) {
      const secret = memory.allocateSync(32);
      const other = memory.allocateSync(32);
      secrets.push(secret, other);
      const lease = other.lend();
      backend.failViewClose({ outcome: 'escaped' });
      const waiting = memory.allocate(16 * PAGE - 100, { signal: stop.signal }).catch(() => {});
      return async () => {
        expect(thrown(() => secret.read(() => {}))).toMatchObject({
          code: 'ERR_SECMEM_VIEW_ESCAPED',
        });
        lease.release();
        stop.abort();
        return waiting;
      };
    },
  },
  'an evicted secret of a store was damaged': {
    event: 'securemem:corruption',
    options: pages(3),
    play({ memory, kernel }, { secrets, stop }) {
      const store = memory.store({ hotMax: 4 });
      store.setSync('a', bytesOf(1));
      store.useSync('a', () => {});
      damage(kernel);
      return () => {
        const waiting = memory
          .allocate(PAGE + 1, { signal: stop.signal })
          .then((secret) => secrets.push(secret))
          .catch(() => {});
        stop.abort('the scene is over');
        return waiting;
      };
    },
  },
};

/** Overwrites the byte before each secret that has a page of its own. */
function damage(kernel: Fixture['kernel']): void {
  for (const region of kernel.regionIds) {
    const page = kernel.peek(region, 0, PAGE);
    const start = page.lastIndexOf(1) - 32;
    if (start >= 0) kernel.poke(region, start, Uint8Array.of((page[start] as number) ^ 0xff));
  }
}

describe.each(Object.keys(SCENES))('when %s, a subscriber', (name) => {
  const scene = SCENES[name] as Scene;

  it.each(Object.keys(DEEDS))('C5 that %s leaves every count exact', async (deed) => {
    const thrownBy = thrownBySubscribers();
    const fixture = open(scene.options);
    const { memory, kernel, backend } = fixture;
    const stage: Stage = { memory, secrets: [], stop: new AbortController() };
    const run = scene.play(fixture, stage);
    let told = 0;
    onFirst(scene.event, () => {
      told++;
      (DEEDS[deed] as (s: Stage) => void)(stage);
    });
    const rest = run();
    expect(told).toBe(1);
    if (stage.closing !== undefined) expect(memory.stats().state).not.toBe('open');
    await rest;
    await turn();
    backend.heal();
    const live = stage.secrets.filter((secret) => !secret.disposed);
    const stats = memory.stats();
    expect(stats.openAccesses).toBe(0);
    expect(stats.admission.waiting).toBe(0);
    expect(stats.secrets).toBe(live.length);
    for (const secret of live) secret.write((bytes) => bytes.fill(7));
    for (const secret of live) expect(holds(secret, 7)).toBe(true);
    if (live.length > 0) expect(memory.verify().ok).toBe(true);
    await stage.closing;
    await memory.close();
    expect(stage.secrets.every((secret) => secret.disposed)).toBe(true);
    expect(memory.stats().secrets).toBe(0);
    expect(kernel.violations).toEqual([]);
    expect(thrownBy).toHaveLength(deed === 'throws' ? 1 : 0);
  });
});

describe('a store whose sealing key refuses to be wiped, and a subscriber', () => {
  /** Each seal has a key of its own, which is wiped with its ciphertext. */
  const opened = () => open({ sealing: { sealsPerKeyMax: 1 }, capabilities: { views: 'none' } });

  it('C5 that sets a new name in place of the one that goes finds its own secret under it', () => {
    const { memory, backend } = opened();
    const store = memory.store();
    store.setSync('gone', bytesOf(1));
    store.setSync('other', bytesOf(2));
    store.useSync('gone', () => {});
    let told = false;
    onFirst('securemem:release-failed', () => {
      told = true;
      store.setSync('new', bytesOf(3));
      expect(store.useSync('new', (secret) => holds(secret, 3))).toBe(true);
    });
    backend.fail('wipe');
    store.delete('gone');
    expect(told).toBe(true);
    expect(store.useSync('new', (secret) => holds(secret, 3))).toBe(true);
    expect([...store.keys()]).toEqual(['other', 'new']);
    store.dispose();
    expect(memory.stats().secrets).toBe(0);
  });

  it('C5 that seals meanwhile can open it later', () => {
    const { memory, backend } = opened();
    const [a, b] = [1, 2].map((value) => memory.adoptSync(bytesOf(value)).seal());
    const secret = memory.adoptSync(bytesOf(3));
    let sealed: ReturnType<Secret['seal']> | undefined;
    onFirst('securemem:release-failed', () => {
      sealed = secret.seal();
    });
    backend.fail('wipe');
    a?.dispose();
    expect(holds(memory.openSync(sealed as NonNullable<typeof sealed>), 3)).toBe(true);
    expect(holds(memory.openSync(b as NonNullable<typeof b>), 2)).toBe(true);
  });

  it('C5 that ends the store while a load changes it leaves nothing behind', async () => {
    const { memory, backend } = opened();
    const store = memory.store();
    store.setSync('a', bytesOf(1));
    store.setSync('b', bytesOf(2));
    let told = false;
    onFirst('securemem:release-failed', () => {
      told = true;
      store.dispose();
    });
    const entries: [string, Uint8Array][] = ['a', 'b', 'c'].map((name, i) => [name, bytesOf(i)]);
    async function* source() {
      yield* entries;
      // The last entry is sealed: the next key to go is that of one which is replaced.
      backend.fail('wipe', { on: 2 });
    }
    await store.load(source());
    expect(told).toBe(true);
    expect(store.size).toBe(0);
    expect(memory.stats().secrets).toBe(0);
  });
});

describe('whoever listens to a store that opens a secret', () => {
  const START = 'tracing:securemem:wait:start';
  const END = 'tracing:securemem:wait:asyncEnd';

  /** A store whose next use has to wait for the page that `held` has; `next` has the last one. */
  function waits() {
    const fixture = open(pages(3));
    const store = fixture.memory.store({ hotMax: 0 });
    store.setSync('a', bytesOf(1));
    const held = fixture.memory.allocateSync(32);
    const next = fixture.memory.adoptSync(bytesOf(2));
    return { ...fixture, store, held, next };
  }

  it.each([START, END])(
    'C5 may use the same one at %s: both share it, and it closes after both',
    async (name) => {
      const { memory, store, held } = waits();
      const uses: Promise<unknown>[] = [];
      onFirst(name, () => uses.push(store.use('a', (secret) => holds(secret, 1))));
      uses.push(store.use('a', (secret) => holds(secret, 1)));
      held.dispose();
      expect(await uses[0]).toBe(true);
      expect(await Promise.all(uses)).toEqual([true, true]);
      expect(uses).toHaveLength(2);
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
      expect(memory.stats()).toMatchObject({ secrets: 1, admission: { waiting: 0 } });
    },
  );

  it.each([START, END])(
    'C5 may set the name anew at %s and use it: it sees what it set',
    async (name) => {
      const { memory, store, held, next } = waits();
      const values: unknown[] = [];
      const uses: Promise<unknown>[] = [];
      onFirst(name, () => {
        store.setSync('a', next);
        uses.push(store.use('a', (open) => values.push(open.read((bytes) => bytes[0]))));
      });
      uses.push(store.use('a', (open) => values.push(open.read((bytes) => bytes[0]))));
      held.dispose();
      while (uses.length < 2) await turn();
      await Promise.all(uses);
      expect(values.at(-1)).toBe(2);
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
      expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
    },
  );

  it.each(['delete', 'dispose', 'purge', 'close'] as const)(
    'C5 may %s: the use ends, and nothing stays',
    async (deed) => {
      const { memory, store, held, next } = waits();
      onFirst(END, () => {
        if (deed === 'delete') store.delete('a');
        else if (deed === 'dispose') store.dispose();
        else if (deed === 'purge') memory.purge();
        else void memory.close();
      });
      const use = store.use('a', (secret) => holds(secret, 1));
      const settled = Promise.allSettled([use]);
      held.dispose();
      const [end] = await settled;
      if (end?.status === 'rejected') expect(end.reason.code).toMatch(/^ERR_SECMEM_/);
      expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
      await turn();
      next.dispose();
      expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
    },
  );

  it('C5 may use several together while another use of them waits', async () => {
    const { memory, store, held, next } = waits();
    const uses: Promise<unknown>[] = [];
    onFirst(START, () => uses.push(store.useAll(['a'], ([secret]) => holds(secret, 1))));
    uses.push(store.use('a', (secret) => holds(secret, 1)));
    held.dispose();
    while (uses.length < 2) await turn();
    expect(await Promise.all(uses)).toEqual([true, true]);
    expect(store.stats()).toMatchObject({ open: 0, inUse: 0 });
    next.dispose();
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  });
});
