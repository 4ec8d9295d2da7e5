import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { open } from '../fixture.js';
import { pass, taken } from './doors.js';
import { bytesOf, privatePartOf } from './samples.js';

const PASSPHRASE = 'correct horse';

/** How `openssl` makes a key, and how it writes it anew, if it does. */
const FILES: readonly (readonly [string, string, string?])[] = [
  ['Ed25519', 'genpkey -algorithm ed25519'],
  ['X25519', 'genpkey -algorithm x25519'],
  ['RSA as PKCS#8', 'genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048'],
  ['RSA as PKCS#1', 'genrsa -traditional 2048'],
  ['P-256 with its parameters', 'ecparam -name prime256v1 -genkey'],
  ['secp256k1 without its parameters', 'ecparam -name secp256k1 -genkey -noout'],
  ['P-384 as PKCS#8', 'genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384'],
  [
    'P-521 with a compressed point',
    'ecparam -name secp521r1 -genkey -noout',
    'ec -conv_form compressed',
  ],
  ['P-256 without a public key', 'ecparam -name prime256v1 -genkey -noout', 'ec -no_public'],
  ...['hmacWithSHA224', 'hmacWithSHA256', 'hmacWithSHA384', 'hmacWithSHA512'].map(
    (prf) =>
      [
        `Ed25519 under PBKDF2 with ${prf}`,
        'genpkey -algorithm ed25519',
        `pkcs8 -topk8 -v2 aes-256-cbc -v2prf ${prf} -iter 3000 -passout pass:`,
      ] as const,
  ),
  ['RSA under AES-128', 'genrsa 2048', 'pkcs8 -topk8 -v2 aes-128-cbc -passout pass:'],
  [
    'P-256 under scrypt',
    'ecparam -name prime256v1 -genkey -noout',
    'pkcs8 -topk8 -scrypt -passout pass:',
  ],
];
const REFUSED: readonly (readonly [string, string, string, string])[] = [
  [
    'PBKDF2 with SHA-1',
    'ecparam -name prime256v1 -genkey -noout',
    'pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA1 -passout pass:',
    'unsupported',
  ],
  [
    'triple DES',
    'ecparam -name prime256v1 -genkey -noout',
    'pkcs8 -topk8 -v2 des3 -passout pass:',
    'unsupported',
  ],
  [
    'the encryption of PEM itself',
    'ecparam -name prime256v1 -genkey -noout',
    'ec -aes256 -passout pass:',
    'unsupported',
  ],
  [
    'a curve by its numbers',
    'ecparam -name prime256v1 -genkey -noout',
    'ec -param_enc explicit',
    'unsupported',
  ],
  ['another curve', 'ecparam -name brainpoolP256r1 -genkey -noout', 'ec', 'unsupported'],
  ['an RSA key of 1024 bits', 'genrsa 1024', 'rsa -traditional', 'unsupported'],
];

/** What `openssl` writes; undefined where there is none. */
function written(make: string, convert?: string): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-openssl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [first, second] = [join(folder, 'made'), join(folder, 'converted')];
  const run = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { stdio: 'pipe' });
  try {
    const [command = '', ...args] = make.split(' ');
    const bits = command === 'genrsa' ? args.splice(-1) : [];
    run(command, ...args, '-out', first, ...bits);
    if (convert === undefined) return readFileSync(first);
    const words = convert
      .split(' ')
      .map((word) => (word === 'pass:' ? `pass:${PASSPHRASE}` : word));
    run(...words, '-in', first, '-out', second);
    return readFileSync(second);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

it.for(FILES)('K4 takes what openssl wrote: %s', async ([, make, convert], ctx) => {
  const file = written(make, convert);
  if (file === undefined) return ctx.skip('not proven: there is no openssl');
  const { memory } = open();
  const passphrase = memory.adoptSync(bytesOf(PASSPHRASE));
  const found = await taken(memory, 'fromPem', file, { passphrase });
  const key = createPrivateKey({ key: file, format: 'pem', passphrase: PASSPHRASE });
  expect(found.privatePart.equals(privatePartOf(key))).toBe(true);
});

it.for(REFUSED)('K4 refuses what openssl wrote: %s', async ([, make, convert, reason], ctx) => {
  const file = written(make, convert);
  if (file === undefined) return ctx.skip('not proven: there is no openssl');
  const { memory } = open();
  const passphrase = memory.adoptSync(bytesOf(PASSPHRASE));
  expect(await pass(memory, 'fromPem', file, { passphrase })).toBe(reason);
});
