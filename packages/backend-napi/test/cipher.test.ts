import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { napiBackend } from '../src/index.js';
import { Status } from '../src/status.js';
import { Conversation } from './children.js';
import { testBuild } from './native-build.js';
import {
  type Marker,
  makeMarker,
  markerExpression,
  occurrencesInProcess,
} from './process-memory.js';

/** Ordinary bytes that are not on V8's moving heap. */
const bytesOf = (source: Iterable<number>) => {
  const list = [...source];
  const bytes = new Uint8Array(new ArrayBuffer(list.length));
  bytes.set(list);
  return bytes;
};

const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 4000];

const build = testBuild();

describe('cipher', () => {
  it.for(['no-access', 'read-only', 'read-write'] as const)(
    'seal() and unseal() agree with node:crypto at every length, with both regions %s',
    (protection) => {
      using backend = napiBackend();
      const keyRegion = backend.map(backend.pageByteLength);
      const region = backend.map(backend.pageByteLength);
      const key = bytesOf(randomBytes(32));
      const keyRange = { region: keyRegion, byteOffset: 64, byteLength: 32 };
      backend.write(keyRegion, 64, key);
      for (const byteLength of LENGTHS) {
        const plaintext = bytesOf(randomBytes(byteLength));
        const nonce = bytesOf(randomBytes(12));
        const associated = bytesOf(randomBytes(byteLength % 40));
        const range = { region, byteOffset: 7, byteLength };
        backend.protect(region, 'read-write');
        backend.write(region, 7, plaintext);
        backend.protect(region, protection);
        backend.protect(keyRegion, protection);

        const sealed = new Uint8Array(new ArrayBuffer(byteLength + 16));
        backend.seal(keyRange, nonce, associated, range, sealed);
        const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated);
        const expected = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
        expect(Buffer.from(sealed)).toEqual(Buffer.concat(expected));

        backend.wipe(region, 0, backend.pageByteLength);
        backend.unseal(keyRange, nonce, associated, sealed, range);
        const back = new Uint8Array(new ArrayBuffer(byteLength));
        backend.read(region, 7, back);
        expect(back).toEqual(plaintext);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(associated);
        decipher.setAuthTag(sealed.subarray(byteLength));
        expect(
          Buffer.concat([decipher.update(sealed.subarray(0, byteLength)), decipher.final()]),
        ).toEqual(Buffer.from(plaintext));
        expect(backend.inspect([region])[0]).toMatchObject({ protection });
      }
    },
  );

  it('the instructions of the processor and the portable code agree at every length to 4,200, in text, tag and refusal', (ctx) => {
    if (typeof build === 'string') return ctx.skip(build);
    const { binding } = build;
    const byProcessor = binding.portableCipher(0) === 1;
    expect(binding.portableCipher(1)).toBe(0);
    if (!byProcessor) return ctx.skip('not proven: no instructions for AES here');
    const longest = 4_200;
    const owner = binding.open(0);
    const region = binding.map(owner, 3 * binding.pageByteLength);
    const [keyAt, textAt, backAt] = [0, 40, 40 + longest];
    const random = bytesOf(randomBytes(textAt + longest));
    expect(binding.write(owner, region, 0, random)).toBe(0);
    const text = random.subarray(textAt);
    const back = new Uint8Array(new ArrayBuffer(longest));
    const crypt = (
      operation: 'seal' | 'unseal',
      portable: number,
      at: number,
      length: number,
      sealed: Uint8Array,
    ): number => {
      binding.portableCipher(portable);
      const associated = text.slice(0, length % 67);
      const nonce = text.slice(length % 50, (length % 50) + 12);
      return binding[operation](
        owner,
        region,
        keyAt,
        nonce,
        associated,
        region,
        at,
        length,
        sealed,
      );
    };
    try {
      for (let length = 0; length <= longest; length++) {
        const [fast, slow] = [0, 1].map((portable) => {
          const sealed = new Uint8Array(new ArrayBuffer(length + 16));
          if (crypt('seal', portable, textAt, length, sealed) !== 0) throw new Error('seal');
          return sealed;
        }) as [Uint8Array, Uint8Array];
        if (Buffer.compare(fast, slow) !== 0) throw new Error(`they differ at ${length}`);
        // Each opens what the other sealed, and refuses it with one bit changed.
        const portable = length % 2;
        if (crypt('unseal', portable, backAt, length, fast) !== 0) throw new Error(`${length}`);
        const content = back.subarray(0, length);
        binding.read(owner, region, backAt, content);
        if (Buffer.compare(content, text.subarray(0, length)) !== 0) throw new Error(`${length}`);
        const at = (length * 31) % (length + 16);
        fast[at] = (fast[at] as number) ^ (1 << (length % 8));
        for (const engine of [0, 1]) {
          if (crypt('unseal', engine, backAt, length, fast) !== Status.unsealFailed) {
            throw new Error(`a changed bit at ${at} of ${length}`);
          }
          binding.read(owner, region, backAt, content);
          if (content.some((byte) => byte !== 0)) throw new Error(`text is left at ${length}`);
        }
      }
    } finally {
      binding.portableCipher(0);
      binding.close(owner);
    }
  });

  it('seal() gives the answer of the GCM specification (McGrew and Viega, test case 16)', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const hex = (text: string) => bytesOf(Buffer.from(text, 'hex'));
    const key = hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308');
    const plaintext = hex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    backend.write(region, 0, key);
    backend.write(region, 100, plaintext);
    const sealed = new Uint8Array(new ArrayBuffer(plaintext.length + 16));
    backend.seal(
      { region, byteOffset: 0, byteLength: 32 },
      hex('cafebabefacedbaddecaf888'),
      hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
      { region, byteOffset: 100, byteLength: plaintext.length },
      sealed,
    );
    expect(Buffer.from(sealed).toString('hex')).toBe(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b',
    );
  });

  it('M10 unseal() of anything that was changed throws UNSEAL_FAILED and leaves zeroes', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const keyRange = { region, byteOffset: 0, byteLength: 32 };
    const range = { region, byteOffset: 512, byteLength: 100 };
    const nonce = bytesOf(randomBytes(12));
    const associated = bytesOf(randomBytes(5));
    backend.write(region, 0, bytesOf(randomBytes(612)));
    const sealed = new Uint8Array(new ArrayBuffer(116));
    backend.seal(keyRange, nonce, associated, range, sealed);
    const before = backend.lockedByteLength();
    const content = new Uint8Array(new ArrayBuffer(100));
    for (let at = 0; at < 116; at++) {
      backend.write(region, 512, bytesOf(randomBytes(100)));
      const changed = bytesOf(sealed);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(() => backend.unseal(keyRange, nonce, associated, changed, range)).toThrow(
        expect.objectContaining({ code: 'ERR_SECMEM_UNSEAL_FAILED' }),
      );
      backend.read(region, 512, content);
      expect(content.every((byte) => byte === 0)).toBe(true);
    }
    expect(() => backend.unseal(keyRange, nonce, bytesOf([1]), sealed, range)).toThrow();
    expect(backend.lockedByteLength()).toBe(before);
  });

  it('M11 seal() and unseal() leave neither key nor plaintext anywhere but in the region', async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('not proven: the observer must be root');
    const key = makeMarker();
    const plaintext = makeMarker();
    const held = new Conversation(`
      const backend = napiBackend();
      const region = backend.map(4096);
      for (const [offset, bytes] of [[0, ${markerExpression(key)}], [128, ${markerExpression(plaintext)}]]) {
        backend.write(region, offset, bytes);
        bytes.fill(0);
      }
      const nonce = new Uint8Array(new ArrayBuffer(12));
      const sealed = new Uint8Array(new ArrayBuffer(80));
      const key = { region, byteOffset: 0, byteLength: 32 };
      const range = { region, byteOffset: 128, byteLength: 64 };
      for (let i = 0; i < 1000; i++) {
        nonce[0] = i;
        backend.seal(key, nonce, new Uint8Array(0), range, sealed);
        backend.unseal(key, nonce, new Uint8Array(0), sealed, range);
      }
      say(backend.capabilities.kernelHidden);
      process.stdin.once('data', () => {
        globalThis.leak = ${markerExpression(key)};
        say('leaked');
      });
    `);
    try {
      if ((await held.hear()) !== true) ctx.skip('not proven: no memfd_secret here');
      const pid = held.child.pid as number;
      // Sixteen bytes of each are looked for: the first two round keys are the key itself, half by half.
      const halfOf = ({ bytes, halves }: Marker, from: number) => ({
        bytes: bytes.subarray(from, from + 16),
        halves,
      });
      for (const from of [0, 16]) {
        expect(occurrencesInProcess(pid, halfOf(key, from))).toBe(0);
        expect(occurrencesInProcess(pid, halfOf(plaintext, from))).toBe(0);
      }
      held.tell('leak');
      await held.hear();
      expect(occurrencesInProcess(pid, halfOf(key, 0))).toBeGreaterThan(0);
    } finally {
      held.child.kill('SIGKILL');
      await held.ended;
    }
  });

  it('seal() refuses a key, a nonce or a target of another length before anything changes', () => {
    using backend = napiBackend();
    const region = backend.map(backend.pageByteLength);
    const range = (byteOffset: number, byteLength: number) => ({ region, byteOffset, byteLength });
    const none = bytesOf([]);
    const nonce = bytesOf(Array(12).fill(1));
    const target = bytesOf(Array(32).fill(9));
    const seal = (key: number, nonceLength: number, length: number) => () =>
      backend.seal(range(0, key), nonce.subarray(0, nonceLength), none, range(64, length), target);
    expect(seal(31, 12, 16)).toThrow(RangeError);
    expect(seal(32, 11, 16)).toThrow(RangeError);
    expect(seal(32, 12, 17)).toThrow(RangeError);
    expect(target.every((byte) => byte === 9)).toBe(true);
    expect(seal(32, 12, 16)).not.toThrow();
  });
});

it('unseal() into a range that overlaps its key reads the key before it writes', () => {
  const backend = napiBackend();
  try {
    const region = backend.map(backend.pageByteLength);
    const bytes = (length: number) => new Uint8Array(new ArrayBuffer(length));
    backend.write(region, 0, bytes(96).fill(7));
    const key = { region, byteOffset: 32, byteLength: 32 };
    const text = { region, byteOffset: 0, byteLength: 96 };
    const sealed = bytes(96 + 16);
    backend.seal(key, bytes(12), bytes(0), text, sealed);
    backend.unseal(key, bytes(12), bytes(0), sealed, text);
    const read = bytes(96);
    backend.read(region, 0, read);
    expect([...read]).toEqual([...bytes(96).fill(7)]);
  } finally {
    backend[Symbol.dispose]();
  }
});
