import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicOptions } from '@securemem/proof/public-options';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  type Allocator,
  argon2,
  byCategory,
  checkHardenLimits,
  createAllocator,
  decrypt,
  diffieHellman,
  encrypt,
  halt,
  hkdf,
  type ImportedKey,
  isSecureMemoryError,
  pbkdf2,
  publicKey,
  retry,
  type Secret,
  SecureMemoryError,
  scrypt,
  sign,
  signAsync,
  terminate,
  toPrivateKey,
  toTlsKey,
} from '../src/index.js';
import { createFakeKernel, fakeBackend } from '../src/testing/index.js';
import { openSsh } from './keys/openssh-writer.js';
import { pemOf } from './keys/samples.js';

const TYPES = publicOptions([
  new URL('../src/index.ts', import.meta.url),
  new URL('../src/testing/index.ts', import.meta.url),
]);
/** Every name, and some that the runtime reads of objects that we hand it. */
const NAMES = [
  ...new Set([...TYPES.names, 'once', 'capture', 'passive', 'encoding', 'flag', 'mode']),
];
const VALUES = [1, 'text', true, {}, ['x'], null];

const folder = mkdtempSync(join(tmpdir(), 'own-options-'));
const file = join(folder, 'secret');
writeFileSync(file, '{"a":"b"}');
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (length = 32): Uint8Array => new Uint8Array(new ArrayBuffer(length)).fill(7);
const seen = ({ byteLength, receipt }: Secret) => {
  const { checkedAtMs: _, ...rest } = receipt;
  return { byteLength, ...rest };
};

/** RFC 8410, section 10.3, in every form that a door takes; and once more encrypted. */
const PEM =
  '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n';
const KEY = createPrivateKey(PEM);
const JWK = KEY.export({ format: 'jwk' });
const OPENSSH = pemOf('OPENSSH PRIVATE KEY', openSsh(JWK));
const ENCRYPTED = KEY.export({
  format: 'der',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: Buffer.alloc(32, 7),
});
const SPKI = Object.assign(Object.create(null), { format: 'pem', type: 'spki' });
const seenKey = ({ type, secret, publicKey }: ImportedKey) => ({
  type,
  ...seen(secret),
  bytes: [...secret.exportCopy()],
  publicKey: publicKey.export(SPKI),
});

type Call = (memory: Allocator) => unknown;

/** What each public function makes of no options, of empty ones and of one that is given. */
const CALLS: Readonly<Record<string, Call>> = {
  createAllocator: async () => {
    const backend = fakeBackend({ kernel: createFakeKernel({}) });
    const other = createAllocator({
      backend,
      exitHooks: false,
      budget: {},
      routing: {},
      admission: {},
      sealing: {},
    });
    const { primary, admission } = other.stats();
    const shown = { primary, admission, secret: seen(other.allocateSync(32)) };
    await other.close();
    return shown;
  },
  'Allocator.close': async (memory) => [await memory.close({}), await memory.close()],
  'Allocator.allocate': async (memory) => [
    seen(await memory.allocate(32, {})),
    seen(await memory.allocate(32)),
  ],
  'Allocator.allocateSync': (memory) => seen(memory.allocateSync(32, {})),
  'Allocator.allocateAll': async (memory) => (await memory.allocateAll([32, 64], {})).map(seen),
  'Allocator.allocateAllSync': (memory) => memory.allocateAllSync([32, 64], {}).map(seen),
  'Allocator.adopt': async (memory) => seen(await memory.adopt(bytes(), {})),
  'Allocator.adoptSync': (memory) => seen(memory.adoptSync(bytes(), {})),
  'Allocator.random': async (memory) => seen(await memory.random(32, {})),
  'Allocator.randomSync': (memory) => seen(memory.randomSync(32, {})),
  'Allocator.fromHex': async (memory) => seen(await memory.fromHex(Buffer.from('00ff'), {})),
  'Allocator.fromBase64': async (memory) => seen(await memory.fromBase64(Buffer.from('AP8='), {})),
  'Allocator.fromFile': async (memory) => seen(await memory.fromFile(file, {})),
  'Allocator.fromFd': async (memory) => seen(await memory.fromFd(openSync(file, 'r'), {})),
  'Allocator.fromCredentials': async (memory) => {
    vi.stubEnv('own_options_FILE', file);
    return seen(await memory.fromCredentials('own_options', {}));
  },
  'Allocator.fromEnvironment': async (memory) => {
    vi.stubEnv('own_options_FILE', file);
    return seen(await memory.fromEnvironment('own_options', {}));
  },
  'Allocator.fromJson': async (memory) => seen(await memory.fromJson(file, '/a', {})),
  'Allocator.fromPem': async (memory) => seenKey(await memory.fromPem(Buffer.from(PEM), {})),
  'Allocator.fromDer': async (memory) => {
    const passphrase = memory.adoptSync(bytes());
    const der = Buffer.from(PEM.split('\n')[1] as string, 'base64');
    return [
      seenKey(await memory.fromDer(der, {})),
      seenKey(await memory.fromDer(Buffer.from(ENCRYPTED), { passphrase })),
    ];
  },
  'Allocator.fromJwk': async (memory) =>
    seenKey(await memory.fromJwk(Buffer.from(JSON.stringify(JWK)), {})),
  'Allocator.fromOpenSsh': async (memory) =>
    seenKey(await memory.fromOpenSsh(Buffer.from(OPENSSH), {})),
  'Allocator.fromTerminal': async (memory) => seen(await memory.fromTerminal({})),
  'Allocator.loadAll': async (memory) =>
    (await memory.loadAll([(phase) => phase.allocate(8), () => memory.allocate(8)], {})).map(seen),
  'Allocator.phase': (memory) => memory.phase(async (phase) => seen(await phase.allocate(32)), {}),
  'Allocator.open': async (memory) => seen(await memory.open(memory.allocateSync(32).seal(), {})),
  'Allocator.openSync': (memory) => seen(memory.openSync(memory.allocateSync(32).seal(), {})),
  'Allocator.store': async (memory) => {
    const store = memory.store({});
    await store.set('a', bytes());
    return [await store.use('a', seen), store.stats()];
  },
  'SecretStore.set': async (memory) => {
    const store = memory.store();
    await store.set('a', bytes(), {});
    return store.stats();
  },
  'SecretStore.setSync': (memory) => {
    const store = memory.store();
    store.setSync('a', bytes(), {});
    return store.stats();
  },
  'SecretStore.load': async (memory) => {
    const store = memory.store();
    return [await store.load([['a', bytes()]], {}), store.stats()];
  },
  'SecretStore.use': async (memory) => {
    const store = memory.store();
    await store.set('a', bytes());
    return store.use('a', seen, {});
  },
  'SecretStore.useAll': async (memory) => {
    const store = memory.store();
    await store.set('a', bytes());
    return store.useAll(['a'], ([secret]) => seen(secret as Secret), {});
  },
  'SecretStore.follow': async (memory) => {
    const store = memory.store();
    const following = await store.follow('a', file, {});
    return [following.active, await store.use('a', seen), store.stats()];
  },
  'Secret.lend': (memory) => {
    const secret = memory.allocateSync(32);
    const lease = secret.lend({});
    const other = secret.lend();
    return [lease.bytes.length, other.bytes.length];
  },
  'encrypt, decrypt': async (memory) => {
    const key = memory.adoptSync(bytes());
    const sealed = encrypt('aes-256-gcm', key, memory.adoptSync(bytes(9)), {});
    return seen(await decrypt('aes-256-gcm', key, sealed, {}));
  },
  hkdf: async (memory) => {
    const key = memory.adoptSync(bytes());
    const derived = await hkdf('sha256', key, { byteLength: 16 });
    return [seen(derived), [...derived.exportCopy()]];
  },
  'sign, signAsync': async (memory) => {
    const key = memory.adoptSync(bytes());
    const signatures = [sign('Ed25519', key, 'x', {}), await signAsync('Ed25519', key, 'x', {})];
    return signatures.map((signature) => signature.toString('hex'));
  },
  diffieHellman: async (memory) => {
    const key = memory.adoptSync(bytes());
    const agreed = await diffieHellman('X25519', key, publicKey('X25519', key), {});
    return [seen(agreed), [...agreed.exportCopy()]];
  },
  'toTlsKey, toPrivateKey': (memory) => {
    const key = memory.adoptSync(bytes());
    const calls = [() => toTlsKey(key, { type: 'P-256', tlsOnly: true }), () => toTlsKey(key, {})];
    // There are no references on this backend, and a type that nobody gave is asked for.
    return [...calls, () => toPrivateKey(key, {})].map((call) => {
      try {
        return call();
      } catch (error) {
        return String(error);
      }
    });
  },
  'scrypt, pbkdf2, argon2': async (memory) => {
    const password = memory.adoptSync(bytes());
    const [byteLength, salt] = [16, bytes(16)];
    const derived = await Promise.all([
      scrypt(password, { byteLength, salt, cost: 2 }),
      pbkdf2('sha256', password, { byteLength, salt, iterations: 1 }),
      argon2('argon2id', password, { byteLength, salt, memory: 32, passes: 1 }).catch((error) => {
        if (isSecureMemoryError(error, 'ERR_SECMEM_NOT_SUPPORTED')) return undefined;
        throw error;
      }),
    ]);
    return derived.map((secret) => secret && [seen(secret), [...secret.exportCopy()]]);
  },
  'halt, retry, byCategory': () => [
    halt({}).exitHost,
    retry({ backoff: {} }),
    Object.keys(byCategory({ default: terminate() }).policies),
  ],
  SecureMemoryError: () => {
    const error = new SecureMemoryError('ERR_SECMEM_CLOSED', 'closed', { operation: 'x' });
    return { ...error, cause: Object.hasOwn(error, 'cause') };
  },
  'harden, checkHardenLimits': () => checkHardenLimits({}),
  'createFakeKernel, fakeBackend, fakeBackend.probe': () => {
    const { name, capabilities, pageByteLength } = fakeBackend({});
    const { lockLimit, hardLockLimit, mappingsMax } = createFakeKernel({});
    return {
      name,
      capabilities,
      pageByteLength,
      lockLimit,
      hardLockLimit,
      mappingsMax,
      probe: fakeBackend.probe({}),
    };
  },
};

/** Those that take objects which core itself has made, with every field in them; nobody writes options for these. */
const VALUES_OF_OURS =
  /^(FakeAlias|FakeKernel|FakeRegion|FaultyBackend)(\.|$)|^(answersDebugSignal|backoffMs|classifyCrash|debuggerWays|decideCrash|haltsWithin|withRestart|SecretStore)$/;

const pollutable = Object.prototype as unknown as Record<string, unknown>;

/** The outcome of a call under pollution, as text. What was polluted is clean again when this settles. */
async function outcome(call: Call, names: readonly string[], value: unknown): Promise<string> {
  const backend = fakeBackend({
    kernel: createFakeKernel({ lockLimit: { kind: 'bytes', byteLength: 2 ** 20 } }),
  });
  const memory = createAllocator({ backend, exitHooks: false });
  let result: unknown;
  for (const name of names) pollutable[name] = value;
  try {
    result = await call(memory);
  } catch (error) {
    result = { thrown: String(error) };
  } finally {
    for (const name of names) delete pollutable[name];
  }
  await memory.close({ waitMsMax: 0 }).catch(() => {});
  return JSON.stringify(result);
}

describe('P02 options are read from own properties alone', () => {
  it('has a call here for every public function whose types say that it takes options', () => {
    const called = Object.keys(CALLS).flatMap((names) => names.split(', '));
    const missing = TYPES.takers
      .filter((name) => !VALUES_OF_OURS.test(name))
      .map((name) => name.replace(/^(Allocations|Phase)\./, 'Allocator.'))
      .filter((name) => !called.includes(name));
    expect([...new Set(missing)]).toEqual([]);
    expect(NAMES.length).toBeGreaterThan(60);
    expect(NAMES).toEqual(
      expect.arrayContaining([
        'onCapacity',
        'isolateViews',
        'ttlMs',
        'salt',
        'exitHost',
        'waitMsMax',
      ]),
    );
  });

  it.each(Object.entries(CALLS))('by %s', { timeout: 120_000 }, async (_, call) => {
    const before = await outcome(call, [], undefined);
    expect(before).not.toMatch(/"thrown":"(TypeError|ReferenceError)/);
    for (const value of VALUES) {
      const all = await outcome(call, NAMES, value);
      if (all === before) continue;
      for (const name of NAMES) {
        expect([name, value, await outcome(call, [name], value)]).toEqual([name, value, before]);
      }
      expect(all).toBe(before);
    }
    for (const name of NAMES) {
      expect([name, await outcome(call, [name], 1)]).toEqual([name, before]);
    }
  });

  it('control: an option that is read through the prototype is caught', async () => {
    const careless: Call = (memory) => {
      const options: { mode?: 'read' | 'write' } = {};
      const secret = memory.allocateSync(32);
      secret.lend({ mode: options.mode ?? 'read' });
      return secret.receipt.route;
    };
    const before = await outcome(careless, [], undefined);
    expect(await outcome(careless, ['mode'], 'write')).toBe(before);
    expect(await outcome(careless, ['mode'], 'text')).not.toBe(before);
  });
});
