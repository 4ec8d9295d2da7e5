import { createCipheriv } from 'node:crypto';
import type { RegionId, RegionRange } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { Marker } from '../evidence/marker.js';
import {
  expect,
  expectCode,
  expectEqual,
  expectFilled,
  expectPlain,
  expectSame,
} from '../expectation.js';
import { levelsOf } from '../levels.js';
import type { Requirement } from '../requirement.js';

const claims = ({ cipher }: { readonly cipher: 'in-place' | 'none' }): boolean =>
  cipher === 'in-place';

const KEY_AT = 64;
const TEXT_AT = 200;
const TAG = 16;

interface Fixture {
  readonly region: RegionId;
  readonly key: RegionRange;
  text(byteLength: number): RegionRange;
}

/** A key and room for a text in one region. */
function fixture(context: Context): Fixture {
  const region = context.map(2);
  context.backend.write(region, KEY_AT, pattern(32, 11));
  return {
    region,
    key: { region, byteOffset: KEY_AT, byteLength: 32 },
    text: (byteLength) => ({ region, byteOffset: TEXT_AT, byteLength }),
  };
}

/** What node:crypto makes of the same input: ciphertext and tag. */
export function reference(plaintext: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', pattern(32, 11), nonce);
  cipher.setAAD(data);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function refusesCipher(context: Context): void {
  const { backend } = context;
  const { key, text } = fixture(context);
  const [nonce, data] = [scratch(12), scratch(0)];
  expectCode(
    () => backend.seal(key, nonce, data, text(8), scratch(8 + TAG)),
    'ERR_SECMEM_NOT_SUPPORTED',
    'seal without a cipher',
  );
  expectCode(
    () => backend.unseal(key, nonce, data, scratch(8 + TAG), text(8)),
    'ERR_SECMEM_NOT_SUPPORTED',
    'unseal without a cipher',
  );
}

function readText({ backend }: Context, range: RegionRange): Uint8Array {
  const bytes = scratch(range.byteLength);
  backend.read(range.region, range.byteOffset, bytes);
  return bytes;
}

/** One bit of one of the four inputs is wrong. */
function expectTamperingNoticed(context: Context, f: Fixture, what: string, index: number): void {
  const { backend } = context;
  const [nonce, data, text] = [pattern(12, 1), pattern(20, 2), f.text(48)];
  backend.write(f.region, TEXT_AT, pattern(48, 3));
  const sealed = scratch(48 + TAG);
  backend.seal(f.key, nonce, data, text, sealed);
  const wrong = { nonce, data, sealed }[what];
  if (wrong !== undefined) wrong[index] = (wrong[index] as number) ^ 0x80;
  backend.write(f.region, TEXT_AT - 8, scratch(64, 0x33));
  expectCode(
    () => backend.unseal(f.key, nonce, data, sealed, text),
    'ERR_SECMEM_UNSEAL_FAILED',
    `unseal with a wrong bit in ${what}[${index}]`,
  );
  expectFilled(readText(context, text), 0, 'the plaintext range after a failed unseal');
  expectFilled(
    readText(context, { ...text, byteOffset: TEXT_AT - 8, byteLength: 8 }),
    0x33,
    'before it',
  );
  expectFilled(
    readText(context, { ...text, byteOffset: TEXT_AT + 48, byteLength: 8 }),
    0x33,
    'after it',
  );
}

export const cipher: readonly Requirement[] = [
  {
    id: 'cipher-standard',
    group: 'cipher',
    sentence: 'seal gives what AES-256-GCM gives, tag last, and unseal takes it back',
    contract: 'MemoryBackend.seal, unseal',
    capability: 'cipher',
    claims,
    run: (context) => {
      const { backend } = context;
      const f = fixture(context);
      for (const length of [1, 15, 16, 17, 64, 1000]) {
        for (const data of [scratch(0), pattern(33, length)]) {
          const [nonce, plaintext, text] = [
            pattern(12, length),
            pattern(length, 6),
            f.text(length),
          ];
          backend.write(f.region, TEXT_AT, plaintext);
          const sealed = scratch(length + TAG);
          backend.seal(f.key, nonce, data, text, sealed);
          expectSame(sealed, reference(plaintext, nonce, data), `${length} sealed bytes`);
          expectSame(readText(context, text), plaintext, 'the plaintext after seal');
          backend.wipe(f.region, TEXT_AT, length);
          backend.unseal(f.key, nonce, data, sealed, text);
          expectSame(readText(context, text), plaintext, `${length} unsealed bytes`);
        }
      }
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
  {
    id: 'cipher-protection',
    group: 'cipher',
    sentence: 'seal and unseal work under every protection and leave it as it was',
    contract: 'MemoryBackend.seal, unseal',
    capability: 'cipher',
    claims,
    run: async (context) => {
      const { backend, evidence, page } = context;
      const keys = await context.mapPlaced();
      const texts = await context.mapPlaced();
      backend.write(keys.region, 0, pattern(32, 11));
      const key = { region: keys.region, byteOffset: 0, byteLength: 32 };
      const text = { region: texts.region, byteOffset: page - 64, byteLength: 64 };
      const [nonce, data, sealed] = [pattern(12, 1), scratch(0), scratch(64 + TAG)];
      for (const level of [...levelsOf(context.capabilities), 'read-write'] as const) {
        backend.write(texts.region, text.byteOffset, pattern(64, 7));
        for (const { region } of [keys, texts]) backend.protect(region, level);
        backend.seal(key, nonce, data, text, sealed);
        backend.wipe(texts.region, text.byteOffset, 64);
        backend.unseal(key, nonce, data, sealed, text);
        expectSame(readText(context, text), pattern(64, 7), `the text under ${level}`);
        for (const { place } of [keys, texts]) {
          const facts = await evidence.facts(place);
          expectEqual(facts.protection, level, 'the protection after seal and unseal');
        }
      }
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
  {
    id: 'cipher-tamper',
    group: 'cipher',
    sentence:
      'unseal of anything that was changed throws ERR_SECMEM_UNSEAL_FAILED and leaves zero bytes',
    contract: 'MemoryBackend.unseal',
    capability: 'cipher',
    claims,
    run: (context) => {
      const f = fixture(context);
      const wrong: [string, number][] = [
        ['sealed', 0],
        ['sealed', 47],
        ['sealed', 48],
        ['sealed', 63],
        ['nonce', 5],
        ['data', 19],
      ];
      for (const [what, index] of wrong) expectTamperingNoticed(context, f, what, index);
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
  {
    id: 'cipher-leaves-nothing',
    group: 'cipher',
    sentence: 'seal and unseal leave no copy of the key or the plaintext anywhere in the process',
    contract: 'MemoryBackend.seal, unseal',
    capability: 'cipher',
    claims,
    run: async (context) => {
      const { backend, evidence } = context;
      const region = context.map();
      const [keyMarker, textMarker] = [new Marker(), new Marker()];
      keyMarker.lend((bytes) => backend.write(region, 0, bytes));
      textMarker.lend((bytes) => backend.write(region, 256, bytes));
      const inside = context.capabilities.kernelHidden ? 0 : 1;
      for (const marker of [keyMarker, textMarker]) {
        expectEqual(
          await evidence.copies(marker),
          inside,
          'copies before, the region itself included',
        );
      }
      const key = { region, byteOffset: 0, byteLength: 32 };
      const text = { region, byteOffset: 256, byteLength: 32 };
      const [nonce, data, sealed] = [pattern(12, 1), scratch(0), scratch(32 + TAG)];
      for (let round = 0; round < 4; round += 1) {
        backend.seal(key, nonce, data, text, sealed);
        backend.unseal(key, nonce, data, sealed, text);
      }
      for (const [what, marker] of [
        ['the key', keyMarker],
        ['the plaintext', textMarker],
      ] as const) {
        expectEqual(
          await evidence.copies(marker),
          inside,
          `copies of ${what} after seal and unseal`,
        );
      }
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
  {
    id: 'cipher-misuse',
    group: 'cipher',
    sentence: 'seal and unseal refuse wrong lengths, ranges and ids before anything changes',
    contract: 'MemoryBackend.seal, unseal',
    capability: 'cipher',
    claims,
    run: (context) => {
      const { backend } = context;
      const f = fixture(context);
      const [nonce, data, text] = [scratch(12), scratch(0), f.text(32)];
      backend.write(f.region, TEXT_AT, pattern(32, 3));
      const bad: [string, RegionRange, Uint8Array, RegionRange, number][] = [
        ['a key of 31 bytes', { ...f.key, byteLength: 31 }, nonce, text, 48],
        ['a key outside', { ...f.key, byteOffset: 2 * context.page - 31 }, nonce, text, 48],
        ['a nonce of 11 bytes', f.key, scratch(11), text, 48],
        ['a text outside', f.key, nonce, { ...text, byteOffset: 2 * context.page - 31 }, 48],
        ['a target that is short', f.key, nonce, text, 47],
        ['a target that is long', f.key, nonce, text, 49],
      ];
      for (const [what, key, usedNonce, plaintext, length] of bad) {
        const target = scratch(length, 0xee);
        const allowed = ['RangeError', 'TypeError'] as const;
        expectPlain(
          () => backend.seal(key, usedNonce, data, plaintext, target),
          allowed,
          `seal with ${what}`,
        );
        expectFilled(target, 0xee, `the target after seal with ${what}`);
        expectPlain(
          () => backend.unseal(key, usedNonce, data, target, plaintext),
          allowed,
          `unseal with ${what}`,
        );
      }
      expectSame(readText(context, text), pattern(32, 3), 'the plaintext after refusals');
      expect(backend.inspect([f.region]).length === 1, 'the region should still be live');
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
];
