import { createHash, createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { Conversation } from '../children.js';

/** What a number looks like in memory: as it is written, and as the limbs of a little-endian machine. 16 bytes of each end. */
function formsOf(bytes: Buffer): Buffer[] {
  const reversed = Buffer.from(bytes).reverse();
  const ends = (form: Buffer) => [form.subarray(0, 16), form.subarray(-16)];
  return [...ends(bytes), ...ends(reversed)];
}

/** Whether any of the needles occurs in the memory of a process, as far as root can read it: not in hidden regions. */
function occurs(pid: number, needles: readonly Buffer[]): boolean {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.alloc(4 * 1024 * 1024);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from, to, rest = ''] = /^([0-9a-f]+)-([0-9a-f]+) (.*)/.exec(line) ?? [];
      if (from === undefined || to === undefined || /\[v|secretmem|---p/.test(rest)) continue;
      const end = BigInt(`0x${to}`);
      // Pieces overlap, so that a needle across two of them is found.
      for (let at = BigInt(`0x${from}`); at < end; at += BigInt(chunk.length - 16)) {
        const length = Number(end - at < BigInt(chunk.length) ? end - at : BigInt(chunk.length));
        let got = 0;
        try {
          got = readSync(fd, chunk, 0, length, at as never);
        } catch {
          break;
        }
        const filled = chunk.subarray(0, got);
        if (needles.some((needle) => filled.includes(needle))) return true;
      }
    }
    return false;
  } finally {
    closeSync(fd);
  }
}

/** The child never has a key in its program: only its exclusive or with a mask. */
function masked(key: Buffer): string {
  const mask = randomBytes(key.length);
  const hidden = key.map((byte, index) => byte ^ (mask[index] as number));
  return `['${Buffer.from(hidden).toString('hex')}', '${mask.toString('hex')}']`;
}

const ed25519 = (): Buffer => randomBytes(32);
const scalar = (byteLength: number) => (): Buffer => {
  const bytes = randomBytes(byteLength);
  bytes[0] = 0;
  if (byteLength === 66) bytes[1] = 1;
  return bytes;
};

const expanded = (seed: Buffer): Buffer[] => {
  const digest = createHash('sha512').update(seed).digest();
  return [
    digest.subarray(0, 16),
    digest.subarray(16, 32),
    digest.subarray(32, 48),
    digest.subarray(48),
  ];
};

/** What each family is used for, the length of its digest and its target, and what a child does with node:crypto as a control. */
const FAMILIES = [
  ['Ed25519', ed25519, { sign: ['Ed25519', 33, 64], publicKey: 32 }],
  ['X25519', ed25519, { agree: ['X25519', 32], publicKey: 32 }],
  ['P-256', scalar(32), { sign: ['ES256', 32, 64], agree: ['ECDH-P-256', 32], publicKey: 65 }],
  ['P-384', scalar(48), { sign: ['ES384', 48, 96], agree: ['ECDH-P-384', 48], publicKey: 97 }],
  ['P-521', scalar(66), { sign: ['ES512', 64, 132], agree: ['ECDH-P-521', 66], publicKey: 133 }],
  [
    'secp256k1',
    scalar(32),
    { sign: ['ES256K-R', 32, 65], agree: ['ECDH-secp256k1', 32], publicKey: 65 },
  ],
] as const;

const CHILD = (key: Buffer, type: string, uses: object, last: string) => `
  const bytes = (length) => new Uint8Array(new ArrayBuffer(length));
  const unmask = ([hidden, mask]) => {
    const [a, b] = [hidden, mask].map((hex) => Buffer.from(hex, 'hex'));
    const made = bytes(a.length);
    for (let i = 0; i < made.length; i++) made[i] = a[i] ^ b[i];
    return made;
  };
  const uses = ${JSON.stringify(uses)};
  const backend = napiBackend();
  const region = backend.map(8192);
  const theirs = backend.map(4096);
  const secrets = backend.map(4096);
  const key = unmask(${masked(key)});
  backend.write(region, 0, key);
  const range = { region, byteOffset: 0, byteLength: key.length };
  key.fill(0);
  const fill = (length) => { const made = bytes(length); made.fill(0x21); made[0] = 0; return made; };
  const point = bytes(uses.publicKey);
  if (uses.agree) {
    const other = fill(range.byteLength);
    if (other.length === 66) other[1] = 1;
    backend.write(theirs, 0, other);
    backend.publicKey('${type}', { region: theirs, byteOffset: 0, byteLength: other.length }, point);
  }
  const PARTS = {
    publicKey: () => backend.publicKey('${type}', range, bytes(uses.publicKey)),
    sign: () => {
      const [algorithm, length, room] = uses.sign;
      backend.sign(algorithm, range, fill(length), bytes(room));
    },
    agree: () => {
      const [algorithm, byteLength] = uses.agree;
      backend.agree(algorithm, range, point, { region: secrets, byteOffset: 0, byteLength });
    },
    later: async () => {
      for (const algorithm of uses.later) await backend.signLater(algorithm, range, fill(32)).signature;
    },
  };
  // What comes after may hide what one of them leaves, so each is the last one once.
  const parts = Object.keys(PARTS).filter((name) => name in uses && name !== '${last}');
  const chosen = [...parts, '${last}'];
  for (let i = 0; i < ${repetitions(1000)}; i++) for (const name of chosen) await PARTS[name]();
  say(backend.capabilities.kernelHidden);
  process.stdin.once('data', () => {
    // The same numbers as node:crypto keeps them.
    const found = bytes(range.byteLength);
    backend.read(region, 0, found);
    const hex = Buffer.from(found).toString('hex');
    globalThis.control = Buffer.from(found).reverse();
    globalThis.kept = Buffer.from(found);
    say(hex.length);
  });
`;

async function scan(key: Buffer, type: string, uses: object, last: string, needles: Buffer[]) {
  const held = new Conversation(CHILD(key, type, uses, last));
  try {
    const hidden = (await held.hear()) as boolean;
    const pid = held.child.pid as number;
    const before = needles.filter((needle) => occurs(pid, [needle])).length;
    held.tell('leak');
    await held.hear();
    return { hidden, before, after: occurs(pid, needles) };
  } finally {
    held.child.kill('SIGKILL');
    await held.ended;
  }
}

/** In a usual run only one use of each family is the last. */
const CASES = FAMILIES.flatMap(([type, make, uses]) =>
  Object.keys(uses)
    .slice(0, repetitions(10) === 10 ? undefined : 1)
    .map((last) => [type, last, make, uses] as const),
);

describe('K5 copies', () => {
  it.for(CASES)(
    'K5 the private part of %s is nowhere but in its page, in no form, after all its uses and %s as the last',
    { timeout: 240_000 },
    async ([type, last, make, uses], ctx) => {
      if (process.getuid?.() !== 0) ctx.skip('not proven: the observer must be root');
      const key = make();
      const needles = [...formsOf(key), ...(type === 'Ed25519' ? expanded(key) : [])];
      const found = await scan(key, type, uses, last, needles);
      if (!found.hidden) ctx.skip('not proven: no memfd_secret here');
      expect(found.before).toBe(0);
      expect(found.after).toBe(true);
    },
  );

  it('K5 after RSA signatures on both threads no number of the private key is anywhere but in its page', {
    timeout: 240_000,
  }, async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('not proven: the observer must be root');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs1', format: 'der' });
    const jwk = createPrivateKey({ key, type: 'pkcs1', format: 'der' }).export({ format: 'jwk' });
    const needles = (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).flatMap((name) =>
      formsOf(Buffer.from(jwk[name] as string, 'base64url')),
    );
    const uses = { sign: ['RS256', 32, 256], later: ['RS256', 'PS256'], publicKey: 300 };
    const found = await scan(key, 'RSA', uses, 'later', needles);
    if (!found.hidden) ctx.skip('not proven: no memfd_secret here');
    expect(found.before).toBe(0);
    expect(found.after).toBe(true);
  });
});
