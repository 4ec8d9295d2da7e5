import { describe, expect, it } from 'vitest';
import { type Phase, type Secret, SecureMemoryError } from '../src/index.js';
import { open, PAGE, turn } from './fixture.js';
import { onFirst, onMessage, thrownBySubscribers } from './subscribers.js';

/** Each secret has a page of its own. */
const pages = (count: number, queueLengthMax = 1_000) => ({
  routing: { pooledByteLengthMax: 0 },
  budget: { lockedByteLengthMax: count * PAGE },
  admission: { queueLengthMax },
});
const START = 'tracing:securemem:wait:start';
const END = 'tracing:securemem:wait:asyncEnd';
const ERROR = 'tracing:securemem:wait:error';

const codes = async (waiting: readonly Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(waiting)).map((one) =>
    one.status === 'fulfilled' ? 'granted' : (one.reason.code ?? one.reason),
  );
const nobodyWaits = { secrets: 0, admission: { waiting: 0 } };

describe('whoever listens to the waits and acts', () => {
  it('C5 may abort a request at the end of its wait: nobody else leaves the queue', async () => {
    const { memory } = open(pages(1));
    const stop = new AbortController();
    onFirst(END, () => stop.abort());
    const holder = memory.allocateSync(32);
    const first = memory.allocate(32, { signal: stop.signal });
    const others = [memory.allocate(32), memory.allocate(32)];
    expect(memory.stats().admission.waiting).toBe(3);
    holder.dispose();
    expect(memory.stats().admission).toMatchObject({ waiting: 2, aborts: 0 });
    (await first).dispose();
    for (const other of others) (await other).dispose();
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });

  it('C5 may close at the start of a wait in a full allocator: the request is refused, and nothing is granted later', async () => {
    const { memory, kernel } = open(pages(1));
    let closing: Promise<unknown> | undefined;
    onFirst(START, () => {
      closing = memory.close();
    });
    const holder = memory.allocateSync(32);
    const waiting = [memory.allocate(32)];
    expect(memory.stats()).toMatchObject({ state: 'closing', admission: { waiting: 0 } });
    await closing;
    // Only now, so that no other room was there for whoever might still wait.
    holder.dispose();
    expect(await codes(waiting)).toEqual(['ERR_SECMEM_CLOSED']);
    expect(memory.stats()).toMatchObject(nobodyWaits);
    expect(kernel.lockedByteLength).toBe(0);
  });

  it.each([END, ERROR])('C5 may close at %s: the rest is refused, each once', async (name) => {
    const { memory, kernel } = open(pages(2));
    const stop = new AbortController();
    const ends: unknown[] = [];
    onMessage(END, (message) => ends.push(message));
    let closing: Promise<unknown> | undefined;
    onFirst(name, () => {
      closing = memory.close();
    });
    const holders = [memory.allocateSync(32), memory.allocateSync(32)];
    const waiting = [
      memory.allocate(32, { signal: stop.signal }),
      memory.allocate(32),
      memory.allocateAll([32, 32]),
    ];
    const settled = codes(waiting);
    if (name === ERROR) stop.abort('enough');
    else holders[0]?.dispose();
    expect(memory.stats()).toMatchObject({ state: 'closing', admission: { waiting: 0 } });
    await closing;
    holders[1]?.dispose();
    const first = name === ERROR ? 'enough' : 'granted';
    expect(await settled).toEqual([first, 'ERR_SECMEM_CLOSED', 'ERR_SECMEM_CLOSED']);
    expect(ends).toHaveLength(3);
    expect(memory.stats()).toMatchObject(nobodyWaits);
    expect(kernel.lockedByteLength).toBe(0);
  });

  it('C5 may close again while close() empties the queue: both are given one promise, and one end', async () => {
    const { memory } = open(pages(1));
    const closings: Promise<unknown>[] = [];
    onMessage(ERROR, () => closings.push(memory.close()));
    memory.allocateSync(32);
    const settled = codes([memory.allocate(32), memory.allocate(32)]);
    closings.push(memory.close());
    expect(new Set(closings).size).toBe(1);
    expect(await closings[0]).toEqual({ secretsReleased: 1, byteLengthLeftMapped: 0 });
    expect(await settled).toEqual(['ERR_SECMEM_CLOSED', 'ERR_SECMEM_CLOSED']);
  });

  it('C5 may dispose a secret at the start of a wait: its place is given in the same step', async () => {
    const { memory } = open(pages(1));
    const holder = memory.allocateSync(32);
    onFirst(START, () => holder.dispose());
    const waiting = memory.allocate(32);
    expect(memory.stats()).toMatchObject({ secrets: 1, admission: { waiting: 0 } });
    (await waiting).dispose();
  });

  it('C5 may allocate at every end of a wait: its requests queue behind the others and all are served', async () => {
    const { memory } = open(pages(1));
    const extra: Promise<Secret>[] = [];
    const order: string[] = [];
    const note = (name: string) => (secret: Secret) => {
      order.push(name);
      secret.dispose();
    };
    onMessage(END, () => {
      if (extra.length < 3) extra.push(memory.allocate(32));
    });
    const holder = memory.allocateSync(32);
    const waiting = [memory.allocate(32), memory.allocate(32)].map((one, i) =>
      one.then(note(`first ${i}`)),
    );
    holder.dispose();
    await Promise.all(waiting);
    await Promise.all(extra.map((one) => one.then((secret) => secret.dispose())));
    while (memory.stats().secrets > 0) await turn();
    expect(order).toEqual(['first 0', 'first 1']);
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });

  it('C5 may abort the next one while all are cancelled: each is told once', async () => {
    const { memory } = open(pages(1));
    const stop = new AbortController();
    const errors: unknown[] = [];
    onMessage(ERROR, (message) => {
      errors.push((message as { error: unknown }).error);
      stop.abort();
    });
    memory.allocateSync(32);
    const settled = codes([
      memory.allocate(32),
      memory.allocate(32, { signal: stop.signal }),
      memory.allocate(32),
    ]);
    await memory.close();
    expect(await settled).toEqual(Array(3).fill('ERR_SECMEM_CLOSED'));
    expect(errors).toHaveLength(3);
    expect(memory.stats().admission).toMatchObject({ waiting: 0, aborts: 0 });
  });

  it.each([START, END])('C5 may end the phase that waits, at %s', async (name) => {
    const { memory } = open(pages(1));
    const holder = memory.allocateSync(32);
    const stop = new AbortController();
    onFirst(name, () => stop.abort('ended'));
    let asked: Promise<unknown>[] = [];
    const ended = memory.phase(
      async (phase) => {
        asked = [phase.allocate(32), phase.allocate(32)];
        await Promise.all(asked);
      },
      { signal: stop.signal },
    );
    if (name === END) holder.dispose();
    expect(await codes([ended])).toEqual(['ended']);
    const [first, second] = await codes(asked);
    expect(second).toBe('ERR_SECMEM_CLOSED');
    expect(first).toBe(name === END ? 'granted' : 'ERR_SECMEM_CLOSED');
    holder.dispose();
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });

  it('C5 may begin to wait in a phase while that phase ends: it is refused', async () => {
    const { memory } = open(pages(1));
    const holder = memory.allocateSync(32);
    let inner: Phase | undefined;
    const late: Promise<unknown>[] = [];
    onFirst(ERROR, () => late.push((inner as Phase).allocate(32)));
    let asked: Promise<unknown> | undefined;
    await memory.phase((phase) => {
      inner = phase;
      asked = phase.allocate(32);
      asked.catch(() => {});
    });
    expect(await codes([asked as Promise<unknown>, ...late])).toEqual([
      'ERR_SECMEM_CLOSED',
      'ERR_SECMEM_CLOSED',
    ]);
    holder.dispose();
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });

  it('C5 may throw at every message: the queue goes on, and the process is told', async () => {
    const thrown = thrownBySubscribers();
    const { memory } = open(pages(1));
    for (const name of [START, END, ERROR]) {
      onMessage(name, () => {
        throw new Error(name);
      });
    }
    const stop = new AbortController();
    const holder = memory.allocateSync(32);
    const waiting = [
      memory.allocate(32),
      memory.allocate(32, { signal: stop.signal }),
      memory.allocate(32),
    ];
    const settled = codes(waiting);
    stop.abort('enough');
    holder.dispose();
    (await (waiting[0] as Promise<Secret>)).dispose();
    (await (waiting[2] as Promise<Secret>)).dispose();
    expect(await settled).toEqual(['granted', 'enough', 'granted']);
    await turn();
    expect(thrown.map((error) => (error as Error).message).sort()).toEqual(
      [START, START, START, END, END, END, ERROR].sort(),
    );
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });

  it('C5 a purge at the end of a wait ends what was granted, and the next in the queue is served', async () => {
    const { memory } = open(pages(1));
    onFirst(END, () => memory.purge());
    const holder = memory.allocateSync(32);
    const waiting = [memory.allocate(32), memory.allocate(32)];
    holder.dispose();
    expect((await (waiting[0] as Promise<Secret>)).disposed).toBe(true);
    const second = await (waiting[1] as Promise<Secret>);
    expect(second.disposed).toBe(false);
    expect(memory.stats().secrets).toBe(1);
    second.dispose();
    expect(memory.stats()).toMatchObject(nobodyWaits);
  });
});

it('C5 a request that the full queue refuses does not join it, and no trace says so', async () => {
  const { memory } = open(pages(1, 1));
  const told: string[] = [];
  for (const name of [START, END, ERROR]) onMessage(name, () => told.push(name));
  const holder = memory.allocateSync(32);
  const waiting = memory.allocate(32);
  expect(await codes([memory.allocate(32)])).toEqual(['ERR_SECMEM_QUEUE_FULL']);
  expect(told).toEqual([START]);
  holder.dispose();
  (await waiting).dispose();
  expect(told).toEqual([START, END]);
});

it('C5 the error of a wait is told to whoever listens to nothing else', async () => {
  const { memory } = open(pages(1));
  const errors: unknown[] = [];
  onMessage(ERROR, (message) => errors.push((message as { error: unknown }).error));
  const holder = memory.allocateSync(32);
  const settled = codes([memory.allocate(32, { waitMsMax: 1 })]);
  expect(await settled).toEqual(['ERR_SECMEM_WAIT_TIMEOUT']);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(SecureMemoryError);
  holder.dispose();
});

it('C5 the messages of one wait come in order and with one context, whatever is done in them', async () => {
  const { memory } = open(pages(1));
  const stop = new AbortController();
  const told: [string, unknown, boolean][] = [];
  for (const name of [START, ERROR, END]) {
    onMessage(name, (message) => {
      told.push([name, message, Object.hasOwn(message as object, 'waitedMs')]);
      if (name === START) stop.abort('enough');
    });
  }
  const holder = memory.allocateSync(32);
  await codes([memory.allocate(32, { signal: stop.signal })]);
  expect(told.map(([name, , over]) => [name, over])).toEqual([
    [START, false],
    [ERROR, false],
    [END, true],
  ]);
  expect(new Set(told.map(([, message]) => message)).size).toBe(1);
  holder.dispose();
});

it('C5 whoever is aborted is not served, although its signal tells another one first', async () => {
  const { memory } = open({ budget: { lockedByteLengthMax: 2 * PAGE } });
  const stop = new AbortController();
  const holder = memory.allocateSync(32);
  // The first cannot be served, and keeps a page from the second until it leaves.
  const waiting = [
    memory.allocate(2 * PAGE, { signal: stop.signal }),
    memory.allocate(PAGE, { signal: stop.signal }),
  ];
  expect(memory.stats().admission.waiting).toBe(2);
  stop.abort('enough');
  expect(await codes(waiting)).toEqual(['enough', 'enough']);
  expect(memory.stats()).toMatchObject({ secrets: 1, admission: { waiting: 0, aborts: 2 } });
  holder.dispose();
});

it('C5 ten thousand requests, each made by whoever is told of the one before, do not grow the stack', async () => {
  const { memory } = open(pages(1, 20_000));
  const holder = memory.allocateSync(32);
  const stop = new AbortController();
  const waiting: Promise<unknown>[] = [];
  let asked = 0;
  const ask = (): void => {
    asked++;
    waiting.push(memory.allocate(32, { signal: stop.signal }).catch((reason: unknown) => reason));
  };
  onMessage(START, () => {
    if (asked < 10_000) ask();
  });
  ask();
  expect(memory.stats().admission.waiting).toBe(10_000);
  stop.abort('enough');
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['enough']));
  holder.dispose();
  expect(memory.stats()).toMatchObject(nobodyWaits);
});
