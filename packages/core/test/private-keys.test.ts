import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import {
  diffieHellman,
  publicKey,
  type Secret,
  type SignatureAlgorithm,
  sign,
  signAsync,
} from '../src/index.js';
import { pairEd25519 } from '../src/keys/private-key.js';
import { open, thrown, turn } from './fixture.js';

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => {
  const source = Buffer.from(hex, 'hex');
  const bytes = new Uint8Array(new ArrayBuffer(source.length));
  bytes.set(source);
  return bytes;
};

/** RFC 8032, section 7.1, test 2. */
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
const signed = (key: Secret) => sign('Ed25519', key, bytesOf('72')).toString('hex');

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const rsaDer = () =>
  bytesOf(rsa.privateKey.export({ format: 'der', type: 'pkcs1' }).toString('hex'));
const isSigned = (data: string, signature: Uint8Array) =>
  verify('sha256', Buffer.from(data), rsa.publicKey, signature);

describe('the public key of Ed25519 that lies beside its seed', () => {
  /** A pair that was made here, and the lengths of the keys that the backend is asked to sign with. */
  function paired() {
    const { memory, backend } = open();
    const key = memory.adoptSync(bytesOf(SEED + '00'.repeat(32)));
    pairEd25519(key);
    const asked = vi.spyOn(backend, 'sign');
    const lengths = () => asked.mock.calls.map(([, range]) => range.byteLength);
    return { memory, key, lengths };
  }

  it('K1 is signed with where it was derived here', () => {
    const { key, lengths } = paired();
    expect(Buffer.from(key.exportCopy()).toString('hex')).toBe(SEED + PUBLIC);
    expect([signed(key), signed(key)]).toEqual([SIGNATURE, SIGNATURE]);
    expect(lengths()).toEqual([64, 64]);
  });

  it.each([
    ['write()', (key: Secret) => key.write(() => {})],
    ['copyFrom()', (key: Secret) => key.copyFrom(bytesOf(SEED))],
    ['a lease to write', (key: Secret) => key.lend({ mode: 'write' }).release()],
    ['resize()', (key: Secret) => [65, 64].map((length) => key.resize(length))],
  ])('K1 is derived anew once somebody may have written to it, by %s', (name, change) => {
    const { key, lengths } = paired();
    change(key);
    expect(signed(key)).toBe(SIGNATURE);
    expect(lengths(), name).toEqual([32]);
  });

  it('K1 is derived anew in a secret that was sealed in between', async () => {
    const { memory, key, lengths } = paired();
    const again = await memory.open(key.seal());
    expect(signed(again)).toBe(SIGNATURE);
    expect(lengths()).toEqual([32]);
  });

  it('K1 is never one that the caller brought: a wrong one is refused, a right one not used', () => {
    const { memory, lengths } = paired();
    const wrong = memory.adoptSync(bytesOf(SEED + SEED));
    expect(thrown(() => signed(wrong)).code).toBe('ERR_SECMEM_KEY_INVALID');
    expect(signed(memory.adoptSync(bytesOf(SEED + PUBLIC)))).toBe(SIGNATURE);
    expect(lengths()).toEqual([32]);
  });
});

describe('sign()', () => {
  it('K1 refuses a key that is gone, or that is written to', () => {
    const { memory } = open();
    const key = memory.adoptSync(bytesOf(SEED));
    const lease = key.lend({ mode: 'write' });
    expect(thrown(() => signed(key)).code).toBe('ERR_SECMEM_IN_USE');
    lease.release();
    expect(signed(key)).toBe(SIGNATURE);
    key.dispose();
    expect(thrown(() => signed(key)).code).toBe('ERR_SECMEM_DISPOSED');
  });

  it('K1 refuses arguments that are none, before it looks at the key', () => {
    const { memory } = open();
    const key = memory.adoptSync(bytesOf(SEED));
    const refused: [string, () => unknown][] = [
      ['a name', () => sign('toString' as SignatureAlgorithm, key, 'x')],
      ['no name', () => sign(undefined as never, key, 'x')],
      ['an agreement', () => sign('X25519' as never, key, 'x')],
      ['bytes as a key', () => sign('Ed25519', bytesOf(SEED) as never, 'x')],
      ['a number as data', () => sign('Ed25519', key, 5 as never)],
      ['a part that is a number', () => sign('Ed25519', key, ['x', 5 as never])],
      ['an option', () => sign('Ed25519', key, 'x', { dsaEncodin: 'der' } as never)],
      ['an encoding', () => sign('ES256', key, 'x', { dsaEncoding: 'raw' as never })],
      ['DER of Ed25519', () => sign('Ed25519', key, 'x', { dsaEncoding: 'der' })],
      ['a digest for Ed25519', () => sign('Ed25519', key, bytesOf(SEED), { prehashed: true })],
      ['text as a digest', () => sign('ES256', key, 'x', { prehashed: true })],
    ];
    for (const [what, call] of refused) expect(call, what).toThrow(TypeError);
    const digest = () => sign('ES256', key, bytesOf('00'.repeat(31)), { prehashed: true });
    expect(digest).toThrow(RangeError);
    const short = memory.adoptSync(bytesOf('01'.repeat(31)));
    for (const algorithm of ['Ed25519', 'ES256', 'ES384'] as const) {
      expect(() => sign(algorithm, short, 'x'), algorithm).toThrow(RangeError);
    }
  });

  it('K1 refuses where pages are protected and the backend cannot sign in them, and names a way', () => {
    const { memory } = open({ capabilities: { keys: [], keysLater: [] } });
    const key = memory.adoptSync(bytesOf(SEED));
    expect(key.receipt.keys).toBe('refused');
    expect(thrown(() => signed(key))).toMatchObject({
      code: 'ERR_SECMEM_NOT_SUPPORTED',
      details: { remedy: expect.stringContaining('toKeyObject') },
    });
    expect(thrown(() => publicKey('Ed25519', key)).code).toBe('ERR_SECMEM_NOT_SUPPORTED');
  });

  it('K1 signs by a copy where nothing is protected, and the receipt says so', () => {
    const { memory } = open({ capabilities: { locking: 'none', keys: [], keysLater: [] } });
    const key = memory.adoptSync(bytesOf(SEED));
    expect(signed(key)).toBe(SIGNATURE);
    expect(key.receipt.keys).toBe('node-crypto');
    expect(key.receipt.weaknesses.map(({ field }) => field)).toContain('keys');
  });
});

describe.each([
  ['on another thread', ['RS256']],
  ['in its turn', []],
] as const)('signAsync() %s', (how, keysLater) => {
  const opened = () => {
    const { memory, backend } = open({ capabilities: { keysLater } });
    return { memory, backend, key: memory.adoptSync(rsaDer()) };
  };

  it('K1 signs the data as it was when it was called', async () => {
    const { key } = opened();
    const data = Buffer.from('data');
    const signing = signAsync('RS256', key, [data, 'more']);
    data.fill(0);
    expect(isSigned('datamore', await signing)).toBe(true);
  });

  it('K1 gives up when the signal aborts, before or while it waits', async () => {
    const { key } = opened();
    const early = AbortSignal.abort(new Error('early'));
    await expect(signAsync('RS256', key, 'x', { signal: early })).rejects.toThrow('early');
    const late = new AbortController();
    const signing = signAsync('RS256', key, 'x', { signal: late.signal });
    late.abort(new Error('late'));
    await expect(signing).rejects.toThrow('late');
    expect(isSigned('y', await signAsync('RS256', key, 'y'))).toBe(true);
  });

  it('K1 a key that is disposed meanwhile is wiped when nobody signs with it any more', async () => {
    const { memory, key } = opened();
    const before = memory.stats().secrets;
    const [first, second] = [signAsync('RS256', key, 'x'), signAsync('RS256', key, 'y')];
    second.catch(() => {});
    key.dispose();
    const code = (error: unknown) => (error as { code?: string }).code;
    const outcome = await first.then((signature) => isSigned('x', signature), code);
    await second.catch(() => {});
    await turn();
    expect(outcome).toBe(how === 'in its turn' ? 'ERR_SECMEM_DISPOSED' : true);
    expect(memory.stats().secrets).toBe(before - 1);
  });

  it('K1 a purge rejects what has not begun', async () => {
    const { memory, key } = opened();
    const signing = signAsync('RS256', key, 'x');
    memory.purge();
    await expect(signing).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('K1 refuses at once what sign() refuses, and lends nothing then', async () => {
    const { memory, backend, key } = opened();
    backend.fail('signLater');
    backend.fail('sign');
    await expect(signAsync('RS256', key, 'x')).rejects.toMatchObject({
      code: 'ERR_SECMEM_PLATFORM',
    });
    backend.heal();
    await expect(signAsync('RS256', key, 5 as never)).rejects.toThrow(TypeError);
    key.dispose();
    expect(memory.stats().secrets).toBe(0);
  });
});

describe('a signature that waits on another thread', () => {
  /** Its key, and of each revocation whether the bytes of the key were still in their place. */
  function waiting(count: number) {
    const { memory, backend } = open({ capabilities: { keysLater: ['RS256'] } });
    const key = memory.adoptSync(rsaDer());
    const whole: boolean[] = [];
    const { signLater } = backend;
    vi.spyOn(backend, 'signLater').mockImplementation((algorithm, range, message) => {
      const pending = signLater.call(backend, algorithm, range, message);
      const revoke = () => {
        const found = new Uint8Array(new ArrayBuffer(range.byteLength));
        backend.read(range.region, range.byteOffset, found);
        whole.push(Buffer.from(found).equals(rsaDer()));
        pending.revoke();
      };
      return { signature: pending.signature, revoke };
    });
    const signing = Array.from({ length: count }, (_, n) => signAsync('RS256', key, `${n}`));
    const codes = Promise.all(
      signing.map((one) => one.then(String, (error: { code?: string }) => error.code)),
    );
    return { memory, backend, key, whole, codes };
  }

  it.each([
    ['a purge', ({ memory }: ReturnType<typeof waiting>) => memory.purge()],
    [
      'a view of its key that escaped',
      ({ key, backend }: ReturnType<typeof waiting>) => {
        backend.failViewClose({ outcome: 'escaped' });
        expect(thrown(() => key.read(() => 0)).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
      },
    ],
  ])('K1 is revoked before %s wipes what it would read', async (_, end) => {
    const signature = waiting(3);
    end(signature);
    expect(signature.key.disposed).toBe(true);
    expect(signature.whole).toEqual([true, true, true]);
    expect(new Set(await signature.codes)).toEqual(new Set(['ERR_SECMEM_DISPOSED']));
    expect(signature.memory.stats().secrets).toBe(0);
  });

  it('K1 goes on where a view of another secret escaped, and where everything is purged once it is there', async () => {
    const { memory, backend, key, whole, codes } = waiting(1);
    const other = memory.allocateSync(32);
    backend.failViewClose({ outcome: 'escaped' });
    expect(thrown(() => other.read(() => 0)).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    expect(await codes).not.toContain('ERR_SECMEM_DISPOSED');
    memory.purge();
    expect([key.disposed, whole]).toEqual([true, []]);
  });

  it('K1 that cannot be revoked keeps a purge from nothing', async () => {
    const { memory, kernel, backend } = open({ capabilities: { keysLater: ['RS256'] } });
    const key = memory.adoptSync(rsaDer());
    vi.spyOn(backend, 'signLater').mockReturnValue({
      signature: turn().then(() => Promise.reject(new Error('late'))),
      revoke: () => {
        throw new Error('not now');
      },
    });
    const signing = signAsync('RS256', key, 'x');
    memory.purge();
    const [region] = kernel.regionIds;
    const page = kernel.peek(region as never, 0, 4096);
    expect(Buffer.from(page).includes(Buffer.from(rsaDer().subarray(0, 32)))).toBe(false);
    await expect(signing).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
  });
});

describe('diffieHellman()', () => {
  const other = generateKeyPairSync('x25519');

  it('K2 takes the public key of node:crypto, and gives what node:crypto gives', async () => {
    const { memory } = open();
    const key = memory.randomSync(32);
    const agreed = await diffieHellman('X25519', key, other.publicKey);
    const theirs = memory.adoptSync(bytesOf(jwkOf(other.privateKey)));
    const mirrored = await diffieHellman('X25519', theirs, publicKey('X25519', key));
    expect(agreed.equals(mirrored)).toBe(true);
  });

  it('K2 refuses peers of another kind, and private ones', async () => {
    const { memory } = open();
    const key = memory.randomSync(32);
    const before = memory.stats().secrets;
    for (const peer of [other.privateKey, 'x', undefined, {}] as never[]) {
      await expect(diffieHellman('X25519', key, peer)).rejects.toThrow(TypeError);
    }
    const ed25519 = generateKeyPairSync('ed25519').publicKey;
    for (const peer of [ed25519, new Uint8Array(31), new Uint8Array(33)]) {
      await expect(diffieHellman('X25519', key, peer)).rejects.toMatchObject({
        code: 'ERR_SECMEM_PEER_INVALID',
      });
    }
    expect(memory.stats().secrets).toBe(before);
  });

  it('K2 gives the secret to whom it is told, and back when the backend fails', async () => {
    const { memory, backend } = open();
    const key = memory.randomSync(32);
    const agreed = await memory.phase((phase) =>
      diffieHellman('X25519', key, other.publicKey, { into: phase }),
    );
    expect(agreed.disposed).toBe(true);
    backend.fail('agree');
    const before = memory.stats().secrets;
    await expect(diffieHellman('X25519', key, other.publicKey)).rejects.toMatchObject({
      code: 'ERR_SECMEM_PLATFORM',
    });
    expect(memory.stats().secrets).toBe(before);
  });
});

function jwkOf(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
}
