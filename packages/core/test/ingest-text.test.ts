import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { base64Shape, decodeBase64 } from '../src/ingest/base64.js';
import { decodeHex, hexByteLength } from '../src/ingest/hex.js';
import { open, turn } from './fixture.js';

/** RFC 4648, section 10. */
const VECTORS = [
  ['f', 'Zg==', '66'],
  ['fo', 'Zm8=', '666F'],
  ['foo', 'Zm9v', '666F6F'],
  ['foob', 'Zm9vYg==', '666F6F62'],
  ['fooba', 'Zm9vYmE=', '666F6F6261'],
  ['foobar', 'Zm9vYmFy', '666F6F626172'],
] as const;

const asBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(text.length));
  bytes.set(Buffer.from(text, 'latin1'));
  return bytes;
};

const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('latin1'));

/** What the decoder makes of a text, or undefined where it refuses. */
const hex = (text: Uint8Array): Buffer | undefined => {
  const byteLength = hexByteLength(text.length);
  if (byteLength === undefined) return undefined;
  const target = Buffer.alloc(byteLength);
  return decodeHex(text, target) ? target : undefined;
};

const base64 = (text: Uint8Array, alphabet: 'base64' | 'base64url'): Buffer | undefined => {
  const shape = base64Shape(text);
  if (shape === undefined) return undefined;
  const target = Buffer.alloc(shape.byteLength);
  return decodeBase64(text, shape, alphabet, target) ? target : undefined;
};

describe('fromHex', () => {
  it.each(VECTORS)('decodes the RFC 4648 vector for %s in both cases', async (text, _, encoded) => {
    const { memory } = open();
    for (const form of [encoded, encoded.toLowerCase()]) {
      expect(plain(await memory.fromHex(asBytes(form)))).toBe(text);
    }
  });

  it('gives what Buffer encoded, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const encoded = Buffer.from(bytes).toString('hex');
        expect(hex(asBytes(encoded))).toEqual(Buffer.from(bytes));
        expect(hex(asBytes(encoded.toUpperCase()))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('accepts exactly the 22 digits among all bytes, in either place', () => {
    const digits = new Set(asBytes('0123456789abcdefABCDEF'));
    for (let byte = 0; byte < 256; byte++) {
      const valid = digits.has(byte);
      expect(hex(Uint8Array.of(byte, 0x30)) !== undefined).toBe(valid);
      expect(hex(Uint8Array.of(0x30, byte)) !== undefined).toBe(valid);
    }
  });
});

describe('fromBase64', () => {
  it.each(VECTORS)('decodes the RFC 4648 vector for %s, padded or not', async (text, encoded) => {
    const { memory } = open();
    for (const form of [encoded, encoded.replaceAll('=', '')]) {
      expect(plain(await memory.fromBase64(asBytes(form)))).toBe(text);
      expect(plain(await memory.fromBase64(asBytes(form), { alphabet: 'base64url' }))).toBe(text);
    }
  });

  it.each(['base64', 'base64url'] as const)('gives what Buffer encoded, in %s', (alphabet) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const encoded = Buffer.from(bytes).toString(alphabet);
        expect(base64(asBytes(encoded), alphabet)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each(['base64', 'base64url'] as const)(
    'never accepts a text that Buffer reads otherwise, in %s',
    (alphabet) => {
      const digit = fc.constantFrom(...'ABCXYZabcxyz0189+/-_=\n ~\u00e9');
      fc.assert(
        fc.property(fc.array(digit, { minLength: 1, maxLength: 12 }), (digits) => {
          const text = digits.join('');
          const decoded = base64(asBytes(text), alphabet);
          if (decoded === undefined) return;
          expect(decoded).toEqual(Buffer.from(text, alphabet));
          expect(decoded.toString(alphabet).replaceAll('=', '')).toBe(text.replaceAll('=', ''));
        }),
        { numRuns: 2_000 },
      );
    },
  );

  it('accepts exactly the 64 digits of its alphabet among all bytes, in each place', () => {
    for (const alphabet of ['base64', 'base64url'] as const) {
      for (let byte = 0; byte < 256; byte++) {
        const digit = String.fromCharCode(byte);
        const valid =
          /[A-Za-z0-9]/.test(digit) || (alphabet === 'base64' ? '+/' : '-_').includes(digit);
        for (let place = 0; place < 4; place++) {
          const text = asBytes('AAAA');
          text[place] = byte;
          // At the end of a group of four the sign for padding is no digit and yet valid.
          const padding = byte === 0x3d && place === 3;
          expect(base64(text, alphabet) !== undefined).toBe(valid || padding);
        }
      }
    }
  });

  it.each([
    ['a rest of one digit', 'Zm9vY'],
    ['padding alone', '===='],
    ['too little padding', 'Zg='],
    ['too much padding', 'Zm9v='],
    ['padding in between', 'Zg==Zg=='],
    ['bits that belong to no byte', 'Zh=='],
    ['bits that belong to no byte, unpadded', 'Zm9='],
    ['white space', 'Zm 9'],
    ['a newline at the end', 'Zm9v\n'],
    ['nothing', ''],
  ])('refuses %s', async (_, text) => {
    const { memory } = open();
    await expect(memory.fromBase64(asBytes(text))).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
    });
  });
});

describe.each(['fromHex', 'fromBase64'] as const)('%s', (name) => {
  const good = 'aabbccdd';

  it('wipes the text once it is decoded', async () => {
    const { memory } = open();
    const text = asBytes(good);
    await memory[name](text);
    expect([...text]).toEqual(new Array(8).fill(0));
  });

  it('refuses bad text without echoing it, leaves the text and allocates nothing', async () => {
    const { memory } = open();
    const text = asBytes('aabbccd!');
    const error = await memory[name](text).catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID' });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('aabbcc');
    expect(Buffer.from(text).toString('latin1')).toBe('aabbccd!');
    expect(memory.stats().secrets).toBe(0);
  });

  it('takes the text from a secret and leaves that as it is', async () => {
    const { memory } = open();
    const text = memory.adoptSync(asBytes(good));
    const fromSecret = await memory[name](text);
    const fromBytes = await memory[name](asBytes(good));
    expect(fromSecret.equals(fromBytes)).toBe(true);
    expect(plain(text)).toBe(good);
    text.dispose();
    await expect(memory[name](text)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
  });

  it('decodes from and into pages that are closed at rest', async () => {
    const { memory } = open({ atRest: 'no-access' });
    const text = memory.adoptSync(asBytes(good));
    await turn();
    const secret = await memory[name](text);
    await turn();
    expect(secret.equals(await memory[name](asBytes(good)))).toBe(true);
  });

  it('refuses a string, which could never be wiped', async () => {
    const { memory } = open();
    await expect(memory[name](good as never)).rejects.toThrow(TypeError);
  });

  it('belongs to the phase it was called on', async () => {
    const { memory } = open();
    const secret = await memory.phase((phase) => phase[name](asBytes(good)));
    expect(secret.disposed).toBe(true);
  });
});
