import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/status.js';
import { type TestBuild, testBuild } from '../native-build.js';

const built = testBuild();
const STACK_BYTE_LENGTH = 64 * 1024;
const KEY_TYPES = { 'P-256': 2, 'P-384': 3, 'P-521': 4, secp256k1: 5 } as const;

const own = (source: Uint8Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(new ArrayBuffer(source.length));
  bytes.set(source);
  return bytes;
};
const zeros = (byteLength: number) => new Uint8Array(new ArrayBuffer(byteLength));

/** What a number may look like: as it is written, in the order of a little-endian machine, and in its words of eight bytes. */
function formsOf(number: Uint8Array): Buffer[] {
  const verbatim = Buffer.from(number);
  const reversed = Buffer.from(number).reverse();
  const forms = [verbatim, reversed];
  if (number.length % 8 === 0) forms.push(Buffer.from(verbatim).swap64());
  return forms.flatMap((form) => [form.subarray(0, 16), form.subarray(-16)]);
}

interface Use {
  readonly key: Buffer;
  readonly needles: readonly Buffer[];
  run(build: TestBuild, owner: number, region: number): number;
}

const scalar = (byteLength: number): Buffer => {
  const bytes = randomBytes(byteLength);
  bytes[0] = 0;
  if (byteLength === 66) bytes[1] = 1;
  return bytes;
};

/** The use by its number in `native/keys.h`. */
function signing(use: number, key: Buffer, messageByteLength: number, byteLength: number): Use {
  const halves = createHash('sha512').update(key).digest();
  const expanded = [halves.subarray(0, 32), halves.subarray(32)].flatMap(formsOf);
  return {
    key,
    needles: [...formsOf(key), ...(use === 0 ? expanded : [])],
    run: ({ binding }, owner, region) =>
      binding.sign(owner, use, region, 0, key.length, zeros(messageByteLength), zeros(byteLength)),
  };
}

function deriving(type: keyof typeof KEY_TYPES, byteLength: number): Use {
  const key = scalar(byteLength);
  return {
    key,
    needles: formsOf(key),
    run: ({ binding }, owner, region) =>
      binding.publicKey(owner, KEY_TYPES[type], region, 0, key.length, zeros(2 * byteLength + 1)),
  };
}

function rsa(): Use {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = privateKey.export({ format: 'jwk' });
  const numbers = (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).map((name) =>
    Buffer.from(jwk[name] as string, 'base64url'),
  );
  const use = signing(6, privateKey.export({ type: 'pkcs1', format: 'der' }), 32, 256);
  return { ...use, needles: numbers.flatMap(formsOf) };
}

const USES = {
  'sign Ed25519': signing(0, randomBytes(32), 33, 64),
  'sign ES256': signing(1, scalar(32), 32, 64),
  'sign ES384': signing(2, scalar(48), 48, 96),
  'sign ES256K-R': signing(5, scalar(32), 32, 65),
  'sign RS256': rsa(),
  'publicKey P-256': deriving('P-256', 32),
  'publicKey P-384': deriving('P-384', 48),
  'publicKey secp256k1': deriving('secp256k1', 32),
};

/** Which of the needles are on the stack once the key was used. */
function left(build: TestBuild, { key, needles, run }: Use, kept: 0 | 1): string[] {
  const { binding, addon } = build;
  const owner = binding.open(0);
  const region = binding.map(owner, binding.pageByteLength);
  binding.write(owner, region, 0, own(key));
  const stack = zeros(STACK_BYTE_LENGTH);
  let status = -1;
  binding.keepStack(kept);
  addon.stackAfter(() => {
    status = run(build, owner, region);
  }, stack);
  binding.keepStack(0);
  binding.close(owner);
  expect(status).toBeGreaterThanOrEqual(Status.ok);
  return needles.flatMap((needle, form) =>
    Buffer.from(stack).includes(needle) ? [`${form}`] : [],
  );
}

describe('the stack', () => {
  it('K5 has nothing of a private key once it was used, and has where it is not wiped', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const found = Object.entries(USES).map(([name, use]) => [name, left(built, use, 0)]);
    expect(found).toEqual(Object.keys(USES).map((name) => [name, []]));
    const kept = Object.values(USES).flatMap((use) => left(built, use, 1));
    expect(kept.length).toBeGreaterThan(0);
  });
});
