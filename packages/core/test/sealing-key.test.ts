import { describe, expect, it, vi } from 'vitest';
import type { SealedSecret, Secret } from '../src/index.js';
import { type Fixture, type FixtureOptions, open, PAGE, thrown } from './fixture.js';

/** Whether the system's generator fails: after so many draws of a key's length, 0 for the next. */
const generator = vi.hoisted(() => ({ failsAfter: Number.POSITIVE_INFINITY }));
const KEY_BYTE_LENGTH = vi.hoisted(() => 32);

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  const randomFillSync = (bytes: Uint8Array) => {
    if (bytes.length !== KEY_BYTE_LENGTH || generator.failsAfter-- > 0) {
      return crypto.randomFillSync(bytes);
    }
    generator.failsAfter = Number.POSITIVE_INFINITY;
    throw new Error('no random bytes');
  };
  // Named, since a mock refuses what the module of this Node may not have.
  return { argon2: undefined, ...crypto, randomFillSync };
});

const secretOf = ({ memory }: Fixture, byte: number): Secret =>
  memory.adoptSync(new Uint8Array(new ArrayBuffer(64)).fill(byte));
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

const SHARED: [string, FixtureOptions][] = [
  ['shares in views', {}],
  ['closed shares', { sealing: { closeKeyPages: true } }],
  ['shares for node:crypto', { capabilities: { cipher: 'none', views: 'none' } }],
];
const WHOLE: [string, FixtureOptions] = ['one page', { capabilities: { views: 'none' } }];

const opened = (options: FixtureOptions, sealsPerKeyMax: number): Fixture =>
  open({ ...options, sealing: { ...options.sealing, sealsPerKeyMax } });

/** Every key that the cipher reads from now on, as it is during the call. */
function watchKeys({ backend }: Fixture): Uint8Array[] {
  const keys: Uint8Array[] = [];
  const note = (bytes: Uint8Array): void => {
    if (!keys.some((key) => Buffer.compare(key, bytes) === 0)) keys.push(bytes);
  };
  if (backend.capabilities.cipher === 'none') {
    // Then core puts the key where it reads it for node:crypto.
    const write = backend.write.bind(backend);
    backend.write = (region, byteOffset, source) => {
      if (byteOffset === PAGE - KEY_BYTE_LENGTH) note(source.slice());
      write(region, byteOffset, source);
    };
    return keys;
  }
  for (const operation of ['seal', 'unseal'] as const) {
    const call = backend[operation].bind(backend) as (...args: unknown[]) => void;
    backend[operation] = ((key: Parameters<typeof backend.seal>[0], ...rest: unknown[]) => {
      const bytes = new Uint8Array(new ArrayBuffer(KEY_BYTE_LENGTH));
      backend.read(key.region, key.byteOffset, bytes);
      note(bytes);
      call(key, ...rest);
    }) as never;
  }
  return keys;
}

/** How often one of the keys lies in the pages of the kernel, forwards or backwards. */
function wholeKeys({ kernel }: Fixture, keys: readonly Uint8Array[]): number {
  let found = 0;
  for (const region of kernel.regionIds) {
    const page = Buffer.from(kernel.peek(region, 0, kernel.find(region)?.byteLength as number));
    for (const key of keys) {
      for (const form of [key, key.slice().reverse()])
        if (page.includes(Buffer.from(form))) found++;
    }
  }
  return found;
}

/** The regions that `act` maps. */
function mappedBy({ kernel }: Fixture, act: () => void): readonly (typeof kernel.regionIds)[0][] {
  const before = new Set(kernel.regionIds);
  act();
  return kernel.regionIds.filter((id) => !before.has(id));
}

describe.each([...SHARED, WHOLE])('making a sealing key as %s', (_, options) => {
  it.each([
    ['first', 0, 0],
    ['next', 1, 0],
    ['second share of the next', 1, 1],
  ])('A9 leaves nothing behind when the %s key gets no random bytes', (_, before, failsAfter) => {
    const fixture = opened(options, 1);
    const { memory, kernel, backend } = fixture;
    if (failsAfter > 0 && memory.receipt.sealingKey === 'one-page') return;
    const sealed = Array.from({ length: before }, () => secretOf(fixture, 1).seal());
    const secret = secretOf(fixture, 2);
    const mapped = kernel.regionCount;
    const viewsOpen = backend.calls('openView') - backend.calls('closeView');
    generator.failsAfter = failsAfter;
    expect(thrown(() => secret.seal()).message).toBe('no random bytes');
    expect(backend.calls('openView') - backend.calls('closeView')).toBe(viewsOpen);
    expect(kernel.regionCount).toBe(mapped);
    expect(memory.stats().sealing.keys).toBe(before);
    sealed.push(secret.seal());
    expect(sealed.map((each) => first(memory.openSync(each)))).toEqual(before ? [1, 2] : [2]);
  });
});

describe('M11 the sealing key between calls', () => {
  it.each(SHARED)('is whole in no page, as %s', (_, options) => {
    const fixture = opened(options, 4);
    const keys = watchKeys(fixture);
    const sealed = Array.from({ length: 12 }, (_, i) => {
      const one = secretOf(fixture, i).seal();
      expect(wholeKeys(fixture, keys)).toBe(0);
      return one;
    });
    for (const [i, each] of sealed.entries()) {
      const secret = fixture.memory.openSync(each);
      expect([first(secret), wholeKeys(fixture, keys)]).toEqual([i, 0]);
      secret.dispose();
    }
    expect(keys).toHaveLength(3);
  });

  it('is found by the same search where it is kept in one page', () => {
    const fixture = opened(WHOLE[1], 4);
    const keys = watchKeys(fixture);
    secretOf(fixture, 1).seal();
    expect([keys.length, wholeKeys(fixture, keys)]).toEqual([1, 1]);
    expect(fixture.memory.receipt.sealingKey).toBe('one-page');
  });

  it('is found by the same search during a call', () => {
    const fixture = open();
    const { backend } = fixture;
    const keys = watchKeys(fixture);
    const seal = backend.seal.bind(backend);
    let during = 0;
    backend.seal = (...args) => {
      seal(...args);
      during = wholeKeys(fixture, keys);
    };
    secretOf(fixture, 1).seal();
    expect([during, wholeKeys(fixture, keys)]).toEqual([1, 0]);
  });

  it.each(SHARED)('is whole nowhere after a call that throws, as %s', (_, options) => {
    const fixture = opened(options, 4);
    const { memory, backend } = fixture;
    const keys = watchKeys(fixture);
    const sealed = secretOf(fixture, 1).seal();
    const secret = secretOf(fixture, 2);
    if (backend.capabilities.cipher === 'none') {
      // Nothing to seal from: node:crypto has been given the key by then.
      backend.fail('read', { on: 4 });
      expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_PLATFORM');
    } else {
      for (const [operation, act, code] of [
        ['seal', () => secret.seal(), 'ERR_SECMEM_PLATFORM'],
        ['unseal', () => memory.openSync(sealed), 'ERR_SECMEM_UNSEAL_FAILED'],
      ] as const) {
        backend.fail(operation);
        expect(thrown(act).code).toBe(code);
        backend.heal();
        expect(wholeKeys(fixture, keys)).toBe(0);
      }
    }
    backend.heal();
    expect([keys.length, wholeKeys(fixture, keys)]).toEqual([1, 0]);
    expect(first(memory.openSync(sealed))).toBe(1);
  });
});

describe('M11 the shares of the sealing key', () => {
  it.each(SHARED)('are others after half a second, and the key is the same: %s', (_, options) => {
    vi.useFakeTimers();
    try {
      const fixture = opened(options, 1);
      const { memory, kernel } = fixture;
      const secrets = [secretOf(fixture, 1), secretOf(fixture, 2)];
      const sealed: SealedSecret[] = [];
      const regions = mappedBy(fixture, () => {
        for (const secret of secrets) sealed.push(secret.seal());
      });
      const pages = () => regions.map((id) => Buffer.from(kernel.peek(id, 0, PAGE)));
      const before = pages();
      expect(before).toHaveLength(2);
      vi.advanceTimersByTime(499);
      expect(pages()).toEqual(before);
      vi.advanceTimersByTime(1);
      const after = pages();
      for (const [i, page] of after.entries()) {
        for (const slot of [0, 1]) {
          const at = slot * KEY_BYTE_LENGTH;
          const share = (of: Buffer | undefined) => of?.subarray(at, at + KEY_BYTE_LENGTH);
          expect(share(page)).not.toEqual(share(before[i]));
        }
        expect(page.subarray(2 * KEY_BYTE_LENGTH).every((byte) => byte === 0)).toBe(true);
      }
      expect(sealed.map((each) => first(memory.openSync(each)))).toEqual([1, 2]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stay as they were when the generator or the backend fails, and change the next time', () => {
    vi.useFakeTimers();
    try {
      const fixture = opened(SHARED[2]?.[1] as FixtureOptions, 4);
      const { memory, backend } = fixture;
      const sealed = secretOf(fixture, 1).seal();
      for (const fail of [
        () => {
          generator.failsAfter = 0;
        },
        () => backend.fail('write', { on: 2 }),
        () => backend.fail('write', { on: 3 }),
      ]) {
        fail();
        vi.advanceTimersByTime(500);
        backend.heal();
        expect(first(memory.openSync(sealed))).toBe(1);
      }
      expect(memory.stats().events['release-failed']).toBe(3);
      vi.advanceTimersByTime(500);
      expect(memory.stats().events['release-failed']).toBe(3);
      expect(first(memory.openSync(sealed))).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('take two pages or none, and leave none behind when the second is refused', () => {
    const fixture = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 8 * PAGE } } });
    const { memory, kernel, backend } = fixture;
    const secret = secretOf(fixture, 1);
    backend.fail('map', { on: 2 });
    expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    backend.heal();
    expect(kernel.regionCount).toBe(1);
    const other = memory.allocateSync(6 * PAGE);
    expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_LOCK_LIMIT');
    expect(kernel.regionCount).toBe(2);
    other.dispose();
    const sealed = secret.seal();
    expect(memory.stats().sealing).toMatchObject({ form: 'two-shares', keyByteLength: 2 * PAGE });
    expect(first(memory.openSync(sealed))).toBe(1);
  });

  it('take one page, closed, where the budget is below eight pages', () => {
    const limits = [7, 8].map((pages) => ({ kind: 'bytes', byteLength: pages * PAGE }) as const);
    const forms = limits.map((lockLimit) => {
      const fixture = open({ kernel: { lockLimit } });
      const sealed = secretOf(fixture, 1).seal();
      const { form, keyByteLength } = fixture.memory.stats().sealing;
      expect(fixture.memory.openSync(sealed).receipt.sealingKey).toBe(form);
      return [form, keyByteLength / PAGE];
    });
    expect(forms).toEqual([
      ['one-page', 1],
      ['two-shares', 2],
    ]);
  });

  it.each([
    ['two-shares', {}, 'read-write'],
    ['two-closed-shares', { sealing: { closeKeyPages: true } }, 'no-access'],
    ['two-closed-shares', { atRest: 'no-access' }, 'no-access'],
    ['two-shares', { atRest: 'no-access', sealing: { closeKeyPages: false } }, 'read-write'],
    ['one-page', { capabilities: { views: 'none' } }, 'no-access'],
  ] as const)('are %s in receipts and figures, with %o, and rest as %s', (form, options, rest) => {
    const fixture = open(options as FixtureOptions);
    const { memory, kernel } = fixture;
    const secret = secretOf(fixture, 1);
    let sealed: SealedSecret | undefined;
    const regions = mappedBy(fixture, () => {
      sealed = secret.seal();
    });
    const atRest = () => regions.map((id) => kernel.protectionOf(id));
    const expected = new Array(form === 'one-page' ? 1 : 2).fill(rest);
    expect(atRest()).toEqual(expected);
    const again = memory.openSync(sealed as SealedSecret);
    expect(atRest()).toEqual(expected);
    expect([memory.receipt.sealingKey, again.receipt.sealingKey]).toEqual([form, form]);
    expect(memory.stats().sealing.form).toBe(form);
    expect(memory.verify().ok).toBe(true);
  });
});

describe('M11 SEC6 a sealing key whose pages lost a protection', () => {
  it.each([...SHARED, WHOLE])('goes on in fresh pages, as %s', (_, options) => {
    const fixture = opened(options, 4);
    const { memory, kernel } = fixture;
    if (fixture.backend.capabilities.locking === 'none') return;
    const sealed: SealedSecret[] = [];
    const secrets = [1, 2, 3, 4].map((byte) => secretOf(fixture, byte));
    const seal = (i: number) => void sealed.push((secrets[i] as Secret).seal());
    const lost = mappedBy(fixture, () => seal(0));
    for (const id of lost.slice(-1)) kernel.tamper(id, { lockedByteLength: 0 });
    expect(mappedBy(fixture, () => seal(1))).toEqual([]);
    expect(memory.verify().ok).toBe(false);
    const fresh = mappedBy(fixture, () => seal(2));
    expect(fresh).toHaveLength(lost.length);
    expect(memory.stats().sealing).toMatchObject({
      keys: 2,
      keyByteLength: 2 * lost.length * PAGE,
    });
    memory.verify();
    expect(mappedBy(fixture, () => seal(3))).toEqual([]);
    expect(sealed.map((each) => first(memory.openSync(each)))).toEqual([1, 2, 3, 4]);
    for (const each of sealed.slice(0, 2)) each.dispose();
    expect(lost.every((id) => kernel.find(id) === undefined)).toBe(true);
    expect(memory.stats().sealing).toMatchObject({ keys: 1, keyByteLength: lost.length * PAGE });
    expect(first(memory.openSync(sealed[3] as SealedSecret))).toBe(4);
  });
});
