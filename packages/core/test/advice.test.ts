import { describe, expect, it } from 'vitest';
import { queueRefusal } from '../src/limits/shortage-error.js';
import { fakeBackend } from '../src/testing/index.js';
import { type FixtureOptions, open, PAGE, thrown } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };
const kernelLimit = (pages: number): FixtureOptions => ({
  ...own,
  kernel: { lockLimit: { kind: 'bytes', byteLength: pages * PAGE } },
});
const budget = (pages: number): FixtureOptions => ({
  ...own,
  budget: { lockedByteLengthMax: pages * PAGE },
});

interface Advised {
  readonly message: string;
  readonly code?: string;
  readonly details: { readonly remedy: string; readonly boundBy?: string };
  readonly cause?: Advised;
}
const refused = (fn: () => unknown): Advised => thrown(fn) as unknown as Advised;
const rejected = (promise: Promise<unknown>): Promise<Advised> =>
  promise.then(
    () => Promise.reject(new Error('it was served')),
    (error: Advised) => error,
  );

describe('advice that knows what was done', () => {
  it('N26 counts one request and several as one says it', () => {
    const said = (waiting: number) => queueRefusal(waiting, 32, 'fake', 'allocateSync').what;
    expect(said(1)).toMatch(/^1 request waits for a place/);
    expect(said(2)).toMatch(/^2 requests wait for a place/);
  });

  it.each([
    ['the own budget', budget(1), /raise budget\.lockedByteLengthMax/],
    ['the limit of the kernel', kernelLimit(1), /`ulimit -l 8`/],
    ['the number of secrets', { budget: { secretsMax: 1 } }, /raise budget\.secretsMax/],
  ])('P20 whoever waited too long, bound by %s, is not told to wait', async (_, options, raise) => {
    const { memory } = open(options);
    const held = memory.allocateSync(32);
    const error = await rejected(memory.allocate(32, { waitMsMax: 1 }));
    expect(error.code).toBe('ERR_SECMEM_WAIT_TIMEOUT');
    for (const { message, details } of [error, error.cause as Advised]) {
      expect(message).not.toMatch(/onCapacity|wait for a place/);
      expect(message.split(details.remedy)).toHaveLength(2);
      expect(details.remedy).toMatch(/^hold secrets for less long, .*allocateAll.*waitMsMax/);
      expect(details.remedy).toMatch(raise);
    }
    held.dispose();
  });

  it('P20 whoever waited too long behind one that must not be overtaken is not told to use the waiting form', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: 2 * PAGE } });
    const held = memory.allocateSync(PAGE);
    const small = [memory.allocateSync(64)];
    const large = memory.allocate(PAGE);
    for (let i = 0; i < 16; i++) small.push(await memory.allocate(64));
    const error = await rejected(memory.allocate(64, { waitMsMax: 1 }));
    expect(error.details).toMatchObject({ boundBy: 'queue' });
    expect(error.message).not.toMatch(/waiting form|onCapacity|try again/);
    const sync = refused(() => memory.allocateSync(64));
    expect(sync.details.remedy).toMatch(/allocate\(\) with onCapacity: "wait"/);
    const resized = refused(() => (small[0] as (typeof small)[0]).resize(900));
    expect(resized.details.remedy).toBe('try again later');
    held.dispose();
    (await large).dispose();
  });

  it('P20 a call that cannot wait names the one that can, and one that has none does not', () => {
    const { memory } = open(budget(1));
    const secret = memory.allocateSync(32);
    const sync = refused(() => memory.allocateSync(32));
    expect(sync.details.remedy).toMatch(
      /wait for a place \(allocate\(\) with onCapacity: "wait"\)/,
    );
    const resized = refused(() => secret.resize(PAGE + 1));
    expect(resized.details.remedy).not.toMatch(/wait|onCapacity/);
  });

  it('P20 whoever seals, or opens a store, is not told to seal', () => {
    const { memory } = open(budget(1));
    const secret = memory.allocateSync(32);
    for (const act of [() => secret.seal(), () => memory.store()]) {
      expect(refused(act).details.remedy).toBe(
        'release secrets, or raise budget.lockedByteLengthMax',
      );
    }
  });

  it('P20 the budget of the fallback has a name of its own', () => {
    const { memory } = open({
      ...budget(1),
      fallback: fakeBackend(),
      fallbackByteLengthMax: PAGE,
      onCapacity: 'fallback',
    });
    memory.allocateSync(32);
    memory.allocateSync(32);
    expect(refused(() => memory.allocateSync(32)).details.remedy).toMatch(
      /raise fallbackByteLengthMax$/,
    );
  });

  it.each([
    ['the own budget', budget(1), /^ask for fewer bytes, or raise budget\.lockedByteLengthMax$/],
    ['the limit of the kernel', kernelLimit(1), /^ask for fewer bytes, or .*`ulimit -l 12`/],
  ])(
    'P20 what can never fit under %s is not told to release or wait',
    async (_, options, remedy) => {
      const { memory } = open(options);
      for (const error of [
        refused(() => memory.allocateSync(3 * PAGE)),
        await rejected(memory.allocate(3 * PAGE)),
      ]) {
        expect(error.code).toBe('ERR_SECMEM_TOO_LARGE');
        expect(error.details.remedy).toMatch(remedy);
        expect(error.message).not.toMatch(/release|wait/);
      }
    },
  );

  it.each([
    ['a lock limit of 0', kernelLimit(0), /^raise the lock limit to 4 KiB or more/],
    [
      'a budget of less than a page',
      { budget: { lockedByteLengthMax: 4_095 } },
      /^raise budget\.lockedByteLengthMax$/,
    ],
  ])(
    'N16 under %s nobody is told to release, to wait or to ask for less',
    async (_, options, remedy) => {
      const { memory } = open({ ...options, routing: {} });
      for (const error of [
        refused(() => memory.allocateSync(32)),
        await rejected(memory.allocate(32, { waitMsMax: 1 })),
      ]) {
        expect(error.details.remedy).toMatch(remedy);
        expect(error.message).not.toMatch(/release|seal|wait for|fewer/);
      }
    },
  );

  it('P20 two uses of a store that hold one entry each and want another are told what helps', async () => {
    const { memory } = open({ ...budget(3), admission: { waitMsMax: 20 } });
    const store = memory.store({ hotMax: 0 });
    for (const name of 'abcd') await store.set(name, new Uint8Array(new ArrayBuffer(4000)));
    let begun = 0;
    let both = (): void => {};
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    const use = (x: string, y: string): Promise<string> =>
      store.use(x, async () => {
        if (++begun === 2) both();
        await together;
        return store.use(y, () => x + y);
      });
    const ends = await Promise.allSettled([use('a', 'b'), use('c', 'd')]);
    const [failed] = ends.filter((end) => end.status === 'rejected');
    const { message } = (failed as PromiseRejectedResult).reason as Error;
    expect(message).toMatch(/no place within \d+ ms/);
    expect(message).toMatch(/hold secrets for less long/);
    expect(message).not.toMatch(/onCapacity|wait for a place/);
  });
});
