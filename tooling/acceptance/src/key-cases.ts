import { createHash, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file of a key, and how a process is to take it. */
export interface KeyCase {
  readonly name: string;
  readonly door: 'fromPem' | 'fromDer' | 'fromJwk' | 'fromOpenSsh';
  readonly path: string;
  readonly how: 'path' | 'bytes' | 'descriptor' | 'node:crypto';
  readonly refused: boolean;
  readonly encrypted: boolean;
}

/** What a private part may look like where it is found. */
export const FORMS = ['verbatim', 'backwards', 'text of the file', 'expanded'] as const;

/** Bytes that may be in that process in its page alone, or nowhere at all. */
export interface Needle {
  readonly name: string;
  /** The line and the column of the table in `docs/COPIES.md`. */
  readonly row: string;
  readonly form: (typeof FORMS)[number];
  readonly bytes: Buffer;
  readonly inPage: boolean;
}

export interface KeyCases {
  readonly cases: readonly KeyCase[];
  readonly needles: readonly Needle[];
}

export const PASSPHRASE = 'a passphrase of more than thirty-two bytes, all of it';

const KINDS = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  secp256k1: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  Ed25519: () => generateKeyPairSync('ed25519').privateKey,
  X25519: () => generateKeyPairSync('x25519').privateKey,
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
} as const;

type Write = (key: KeyObject) => string | Uint8Array;
const pem: Write = (key) => key.export({ format: 'pem', type: 'pkcs8' });
const jwk: Write = (key) => JSON.stringify(key.export({ format: 'jwk' }));
const encrypted: Write = (key) =>
  key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSPHRASE });

/** The block of an OpenSSH file, which has the seed and the public key twice each and otherwise nothing of its own. */
const openSsh: Write = (key) => {
  const { d, x } = key.export({ format: 'jwk' });
  const [seed, publicKey] = [d, x].map((text) => Buffer.from(text as string, 'base64url'));
  const type = string('ssh-ed25519');
  const own = Buffer.concat([type, string(publicKey as Buffer)]);
  const pair = string(Buffer.concat([seed as Buffer, publicKey as Buffer]));
  const section = Buffer.concat([Buffer.alloc(8, 7), own, pair, string('some'), Buffer.of(1)]);
  const head = [string('none'), string('none'), string(''), Buffer.of(0, 0, 0, 1)];
  const block = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...head,
    string(own),
    string(section),
  ]);
  const lines = block.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
};

function string(content: Uint8Array | string): Buffer {
  const body = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** Each with a key of its own. */
const FILES: readonly (readonly [
  keyof typeof KINDS,
  KeyCase['door'],
  KeyCase['how'],
  Write,
  'refused'?,
])[] = [
  ['P-256', 'fromPem', 'path', pem],
  ['P-256', 'fromPem', 'bytes', (key) => key.export({ format: 'pem', type: 'sec1' })],
  ['P-256', 'fromJwk', 'path', jwk],
  ['P-256', 'fromPem', 'descriptor', encrypted],
  ['secp256k1', 'fromDer', 'bytes', (key) => key.export({ format: 'der', type: 'pkcs8' })],
  ['Ed25519', 'fromPem', 'path', pem],
  ['Ed25519', 'fromJwk', 'bytes', jwk],
  ['Ed25519', 'fromPem', 'path', encrypted],
  ['Ed25519', 'fromOpenSsh', 'path', openSsh],
  ['X25519', 'fromPem', 'descriptor', pem],
  ['RSA', 'fromPem', 'path', pem],
  ['RSA', 'fromPem', 'bytes', (key) => key.export({ format: 'pem', type: 'pkcs1' })],
  ['RSA', 'fromDer', 'descriptor', (key) => key.export({ format: 'der', type: 'pkcs8' })],
  ['RSA', 'fromJwk', 'path', jwk],
  ['RSA', 'fromPem', 'bytes', encrypted],
  ['P-256', 'fromPem', 'path', (key) => `${pem(key) as string}and more`, 'refused'],
  ['Ed25519', 'fromPem', 'bytes', (key) => `${pem(key) as string}and more`, 'refused'],
  ['RSA', 'fromPem', 'path', (key) => `${pem(key) as string}and more`, 'refused'],
  ['RSA', 'fromJwk', 'path', (key) => (jwk(key) as string).replace('AQAB', 'Aw'), 'refused'],
];

/** Writes all files into a folder. */
export function writeKeyCases(folder: string): KeyCases {
  const cases: KeyCase[] = [];
  const needles: Needle[] = [];
  for (const [index, [kind, door, how, write, fate]] of FILES.entries()) {
    const key = KINDS[kind]();
    const content = Buffer.from(write(key) as string);
    const path = join(folder, String(index));
    writeFileSync(path, content);
    const name = `${index}, ${kind} by ${door} of ${how}${fate === undefined ? '' : ', refused'}`;
    const refused = fate === 'refused';
    cases.push({ name, door, path, how, refused, encrypted: write === encrypted });
    const row = refused
      ? 'any of them, refused'
      : `\`${door}\`${write === encrypted ? ', encrypted' : ''}`;
    needles.push(...needlesOf({ name, row }, key.export({ format: 'jwk' }), !refused));
    // What is in the middle of DER is the key itself.
    if (door === 'fromDer') continue;
    const form = 'text of the file';
    needles.push({ name: `${name}: ${form}`, row, form, bytes: middleOf(content), inPage: false });
  }
  const row = '`fromPem`, encrypted';
  const bytes = Buffer.from(PASSPHRASE);
  needles.push({ name: 'the passphrase', row, form: 'verbatim', bytes, inPage: true });
  return { cases, needles: needles.map(lasting) };
}

/** What there is of a key: its numbers, each forwards and as a big number of OpenSSL has it, and what Ed25519 makes of its seed. */
export function* needlesOf(
  { name, row }: Pick<Needle, 'name' | 'row'>,
  key: JsonWebKey,
  taken: boolean,
): Generator<Needle> {
  const numbers =
    key.kty === 'RSA' ? (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) : (['d'] as const);
  for (const number of numbers) {
    const bytes = Buffer.from(key[number] as string, 'base64url');
    const all = { row, inPage: false };
    yield { ...all, name: `${name}: ${number}`, form: 'verbatim', bytes, inPage: taken };
    const backwards = Buffer.from(bytes).reverse();
    yield { ...all, name: `${name}: ${number} backwards`, form: 'backwards', bytes: backwards };
    if (key.crv !== 'Ed25519') continue;
    const expanded = createHash('sha512').update(bytes).digest();
    const [scalar, prefix] = [expanded.subarray(0, 32), expanded.subarray(32)];
    yield { ...all, name: `${name}: scalar`, form: 'expanded', bytes: scalar };
    yield { ...all, name: `${name}: prefix`, form: 'expanded', bytes: prefix };
  }
}

/** Text from the inside of a file, where the private part is. */
const middleOf = (content: Buffer): Buffer => {
  const start = Math.floor(content.length / 2) - 20;
  return content.subarray(start, start + 40);
};

/** Without the first 16 bytes, which the allocator of C overwrites in a block that is freed, and the last 32 of the rest at most. */
const lasting = (needle: Needle): Needle => ({ ...needle, bytes: needle.bytes.subarray(16, 48) });
