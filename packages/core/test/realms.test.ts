import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { decrypt, encrypt, firstAvailable, hkdf, hmac, type Secret } from '../src/index.js';
import { open } from './fixture.js';

/** What a plugin in a sandbox, jsdom or a test environment hands over. */
const realm = vm.createContext({});
const foreign = (bytes: Iterable<number>): Uint8Array =>
  vm.runInContext('(values) => new Uint8Array(values)', realm)([...bytes]);
const foreignText = (text: string): Uint8Array => foreign(Buffer.from(text, 'latin1'));
const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('hex'));

/** A signal of an older DOM: no `reason` and no `throwIfAborted`, and no instance of ours. */
class ForeignSignal {
  aborted = false;
  readonly #listeners = new Set<() => void>();
  addEventListener(_: string, listener: () => void): void {
    this.#listeners.add(listener);
  }
  removeEventListener(_: string, listener: () => void): void {
    this.#listeners.delete(listener);
  }
  abort(): void {
    this.aborted = true;
    for (const listener of [...this.#listeners]) listener();
  }
  get listeners(): number {
    return this.#listeners.size;
  }
}
const asSignal = (signal: ForeignSignal): AbortSignal => signal as unknown as AbortSignal;

const directory = mkdtempSync(join(tmpdir(), 'secmem-realms-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('foreign bytes are no instance of our Uint8Array, so that the tests below show something', () => {
  expect(foreign([1]) instanceof Uint8Array).toBe(false);
});

describe('P10 bytes of another realm', () => {
  it('are adopted, and wiped', async () => {
    const { memory } = open();
    const [one, two] = [foreign([1, 2]), foreign([3, 4])];
    expect(plain(memory.adoptSync(one))).toBe('0102');
    expect(plain(await memory.adopt(two))).toBe('0304');
    expect([...one, ...two]).toEqual([0, 0, 0, 0]);
  });

  it('are decoded as text, and wiped', async () => {
    const { memory } = open();
    const [hex, base64] = [foreignText('00ff'), foreignText('AP8=')];
    expect(plain(await memory.fromHex(hex))).toBe('00ff');
    expect(plain(await memory.fromBase64(base64))).toBe('00ff');
    expect([...hex, ...base64].every((byte) => byte === 0)).toBe(true);
  });

  it('are copied from and compared with', () => {
    const { memory } = open();
    const secret = memory.allocateSync(2);
    secret.copyFrom(foreign([7, 8]));
    expect(plain(secret)).toBe('0708');
    expect(secret.equals(foreign([7, 8]))).toBe(true);
    expect(secret.equals(foreign([7, 9]))).toBe(false);
  });

  it('are taken into a store, one by one and in bulk', async () => {
    const { memory } = open();
    const store = memory.store();
    await store.set('one', foreign([1]));
    store.setSync('two', foreign([2]));
    await store.load([['three', foreign([3])]]);
    for (const [name, content] of [
      ['one', '01'],
      ['two', '02'],
      ['three', '03'],
    ] as const) {
      expect(await store.use(name, plain), name).toBe(content);
    }
  });

  it('are authenticated, salt and bind, with the results of our own', async () => {
    const { memory } = open();
    const key = memory.adoptSync(new Uint8Array(32).fill(7));
    const own = Uint8Array.of(1, 2, 3);
    expect(hmac('sha256', key, foreign(own))).toEqual(hmac('sha256', key, own));
    expect(hmac('sha256', key, ['x', foreign(own)])).toEqual(hmac('sha256', key, ['x', own]));
    const derived = await hkdf('sha256', key, {
      byteLength: 16,
      salt: foreign(own),
      info: foreign(own),
    });
    const same = await hkdf('sha256', key, { byteLength: 16, salt: own, info: own });
    expect(derived.equals(same)).toBe(true);
    for (const algorithm of ['aes-256-gcm', 'chacha20-poly1305'] as const) {
      const message = encrypt(algorithm, key, derived, { associatedData: foreign(own) });
      const back = await decrypt(algorithm, key, foreign(message), { associatedData: own });
      expect(back.equals(derived), algorithm).toBe(true);
    }
  });

  it('are a path, as a URL of another realm is', async () => {
    const { memory } = open();
    const path = join(directory, 'file');
    writeFileSync(path, 'ab');
    expect(plain(await memory.fromFile(foreign(Buffer.from(path)) as Buffer))).toBe('6162');
    const { href } = pathToFileURL(path);
    const url = vm.runInContext('(href) => ({ href, protocol: "file:" })', realm)(href);
    expect(plain(await memory.fromFile(url))).toBe('6162');
    for (const wrong of [{}, 7, null, undefined, { href: 7 }]) {
      await expect(memory.fromFile(wrong as never)).rejects.toThrow(TypeError);
    }
  });
});

describe('P10 what only looks like bytes', () => {
  const ours = Uint8Array.of(1, 2);
  const impostors: readonly [string, unknown][] = [
    ['an object with the prototype', Object.create(Uint8Array.prototype)],
    ['an object that says so', { [Symbol.toStringTag]: 'Uint8Array', length: 2, 0: 1, 1: 2 }],
    ['a proxy', new Proxy(ours, {})],
    ['an Int8Array', new Int8Array(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['foreign words', vm.runInContext('new Uint16Array(2)', realm)],
  ];

  it.each(impostors)('%s is refused with nothing taken', async (_, value) => {
    const { memory } = open();
    const secret = memory.allocateSync(2);
    const store = memory.store();
    const before = memory.stats().primary;
    expect(() => memory.adoptSync(value as Uint8Array)).toThrow(TypeError);
    expect(() => secret.copyFrom(value as Uint8Array)).toThrow(TypeError);
    expect(() => secret.equals(value as Uint8Array)).toThrow(TypeError);
    await expect(memory.fromHex(value as Uint8Array)).rejects.toThrow(TypeError);
    await expect(store.set('x', value as Uint8Array)).rejects.toThrow(TypeError);
    expect(memory.stats().primary).toEqual(before);
  });
});

describe('P10 a signal of another realm', () => {
  it('ends a wait, a load, a phase and a bulk load, and leaves no listener', async () => {
    const { memory } = open({ budget: { lockedByteLengthMax: 16_384 } });
    const all = Array.from({ length: 4 }, () => memory.allocateSync(4096));
    expect(() => memory.allocateSync(4096)).toThrow();
    const running = [
      (signal: AbortSignal) => memory.allocate(4096, { signal }),
      (signal: AbortSignal) => memory.loadAll([(phase) => phase.allocate(4096)], { signal }),
      (signal: AbortSignal) => memory.phase((phase) => phase.allocate(4096), { signal }),
    ];
    for (const run of running) {
      const signal = new ForeignSignal();
      const ended = run(asSignal(signal));
      signal.abort();
      await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
      expect(signal.listeners).toBe(0);
    }
    for (const secret of all) secret.dispose();
  });

  it('that is aborted already refuses at once', async () => {
    const { memory } = open();
    const signal = new ForeignSignal();
    signal.abort();
    const given = { signal: asSignal(signal) };
    await expect(memory.allocate(1, given)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(memory.phase(() => {}, given)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(memory.store().load([], given)).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(memory.stats().secrets).toBe(0);
  });

  it('is no signal where it has not what we use of one', async () => {
    const { memory } = open();
    for (const signal of [{}, { aborted: false }, { aborted: false, addEventListener() {} }, 7]) {
      await expect(memory.allocate(1, { signal: signal as never })).rejects.toThrow(TypeError);
    }
  });
});

it('P10 an error of another realm is told by its words', () => {
  const error = vm.runInContext('new Error("no pages")', realm);
  const factory = Object.assign(
    () => {
      throw error;
    },
    { backendName: 'far', probe: () => ({ available: true as const }) },
  );
  expect(() => firstAvailable([factory as never])).toThrow('far: no pages');
});
