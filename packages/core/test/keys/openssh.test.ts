import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { open } from '../fixture.js';
import { pass, taken } from './doors.js';
import { halves, mpint, type OpenSshParts, openSsh, string, uint32 } from './openssh-writer.js';
import { bytesOf, pemOf, privatePartOf, sampleOf } from './samples.js';

const LABEL = 'OPENSSH PRIVATE KEY';
const TYPES = ['Ed25519', 'P-256', 'P-384', 'P-521', 'RSA'];
const fileOf = (block: Buffer): string => pemOf(LABEL, block, 70);
const ED = sampleOf('Ed25519').jwk;
const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
const number = (text: unknown): Buffer => Buffer.from(text as string, 'base64url');

/** What `ssh-keygen` writes for these arguments; undefined where there is none. */
function keygen(
  ...args: readonly string[]
): { path: string; run: (...more: readonly string[]) => void } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-ssh-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  const run = (...more: readonly string[]): void =>
    void execFileSync('ssh-keygen', ['-q', '-f', path, ...more], { stdio: 'pipe' });
  try {
    run(...args);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return { path, run };
}

describe('K4 fromOpenSsh', () => {
  it.each(TYPES)('K4 takes a key of %s that was written by hand', async (type) => {
    const { memory } = open();
    const { key, jwk } = sampleOf(type);
    const found = await taken(memory, 'fromOpenSsh', fileOf(openSsh(jwk)));
    expect(found.type).toBe(type);
    expect(found.privatePart.equals(privatePartOf(key))).toBe(true);
  });

  it.for([
    ['Ed25519', ['-t', 'ed25519']],
    ['P-256', ['-t', 'ecdsa', '-b', '256']],
    ['P-384', ['-t', 'ecdsa', '-b', '384']],
    ['P-521', ['-t', 'ecdsa', '-b', '521']],
    ['RSA', ['-t', 'rsa', '-b', '2048']],
    ['RSA', ['-t', 'rsa', '-b', '3072']],
  ] as const)('K4 takes a key of %s that ssh-keygen wrote (%s)', async ([type, args], ctx) => {
    const made = keygen(...args, '-N', '');
    if (made === undefined) return ctx.skip('not proven: there is no ssh-keygen (openssh-client)');
    const { memory } = open();
    const found = await taken(memory, 'fromOpenSsh', readFileSync(made.path));
    expect(found.type).toBe(type);
    const line = readFileSync(`${made.path}.pub`, 'utf8').split(' ')[1] as string;
    const { publicKey } = halves({
      ...found.publicKey.export({ format: 'jwk' }),
      ...{ d: 'AA', p: 'AA', q: 'AA', qi: 'AA' },
    });
    expect(publicKey.toString('base64')).toBe(line);
    if (type === 'Ed25519') return;
    made.run('-p', '-m', 'PEM', '-N', '');
    const key = createPrivateKey(readFileSync(made.path));
    expect(found.privatePart.equals(privatePartOf(key))).toBe(true);
    expect(createPublicKey(key).equals(found.publicKey)).toBe(true);
  });

  it.for([undefined, 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-cbc'])(
    'K4 refuses a key that ssh-keygen encrypted (%s), names the way, and the way leads through fromPem',
    async (cipher, ctx) => {
      const args = ['-t', 'ecdsa', '-N', 'open sesame'];
      const made = keygen(...args, ...(cipher === undefined ? [] : ['-Z', cipher]));
      if (made === undefined) {
        return ctx.skip('not proven: there is no ssh-keygen (openssh-client)');
      }
      const { memory } = open();
      const refused = memory.fromOpenSsh(bytesOf(readFileSync(made.path)));
      await expect(refused).rejects.toMatchObject({
        code: 'ERR_SECMEM_INPUT_INVALID',
        details: {
          reason: 'unsupported',
          remedy: expect.stringContaining('ssh-keygen -p -m PKCS8'),
        },
      });
      expect(memory.stats().secrets).toBe(0);
      made.run('-p', '-m', 'PKCS8', '-P', 'open sesame', '-N', 'open sesame');
      const passphrase = memory.adoptSync(bytesOf(Buffer.from('open sesame')));
      const key = await memory.fromPem(bytesOf(readFileSync(made.path)), { passphrase });
      expect(key.type).toBe('P-256');
    },
  );

  it('K4 takes an EC key whose number is short, with its leading zeros', async () => {
    const { memory } = open();
    // 1 has the generator itself for its public key.
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      d: 'AQ',
      x: base64url('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
      y: base64url('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
    };
    const { privatePart } = await taken(memory, 'fromOpenSsh', fileOf(openSsh(jwk)));
    expect(privatePart.toString('hex')).toBe('1'.padStart(64, '0'));
  });

  const broken: readonly (readonly [string, () => Partial<OpenSshParts>, string])[] = [
    ['another magic', () => ({ magic: Buffer.from('openssh-key-v2\0') }), 'syntax'],
    [
      'a cipher',
      () => ({ cipher: string('aes256-ctr'), derivation: string('bcrypt') }),
      'unsupported',
    ],
    ['a cipher without a derivation', () => ({ cipher: string('aes256-ctr') }), 'unsupported'],
    ['options of no derivation', () => ({ options: string('x') }), 'syntax'],
    ['no key', () => ({ count: uint32(0) }), 'unsupported'],
    ['two keys', () => ({ count: uint32(2) }), 'unsupported'],
    ['four billion keys', () => ({ count: uint32(0xffff_ffff) }), 'unsupported'],
    ['checks that differ', () => ({ checks: Buffer.concat([uint32(1), uint32(2)]) }), 'syntax'],
    [
      'padding of another kind',
      () => ({ comment: string('abc'), padding: Buffer.from([1, 2, 3, 4, 5, 7]) }),
      'syntax',
    ],
    ['no padding', () => ({ comment: string('abc'), padding: Buffer.of() }), 'syntax'],
    [
      'a block of padding',
      () => ({
        comment: string('abcd'),
        padding: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
      }),
      'syntax',
    ],
    ['something behind it', () => ({ more: Buffer.of(0) }), 'syntax'],
    ['a comment that is cut off', () => ({ comment: uint32(1000) }), 'syntax'],
    ['a comment of four gigabytes', () => ({ comment: uint32(0xffff_ffff) }), 'syntax'],
    [
      'another public key in front',
      () => ({ publicKey: Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, 1))]) }),
      'mismatch',
    ],
    [
      'a public key of another type in front',
      () => ({ publicKey: halves(sampleOf('P-256').jwk).publicKey }),
      'mismatch',
    ],
    [
      'a longer public key in front',
      () => ({ publicKey: Buffer.concat([halves(ED).publicKey, Buffer.of(0)]) }),
      'syntax',
    ],
    [
      'a pair whose second half is another key',
      () => ({
        privateKey: Buffer.concat([
          halves(ED).publicKey,
          string(Buffer.concat([number(ED.d), Buffer.alloc(32, 1)])),
        ]),
      }),
      'mismatch',
    ],
    [
      'the seed of another key',
      () => ({
        privateKey: Buffer.concat([
          halves(ED).publicKey,
          string(Buffer.concat([Buffer.alloc(32, 1), number(ED.x)])),
        ]),
      }),
      'mismatch',
    ],
    [
      'a seed alone',
      () => ({ privateKey: Buffer.concat([halves(ED).publicKey, string(number(ED.d))]) }),
      'syntax',
    ],
    [
      'a key that lies in a token',
      () => ({
        publicKey: Buffer.concat([string('sk-ssh-ed25519@openssh.com'), string('')]),
        privateKey: string('sk-ssh-ed25519@openssh.com'),
      }),
      'unsupported',
    ],
    [
      'a key of DSA',
      () => ({ publicKey: string('ssh-dss'), privateKey: string('ssh-dss') }),
      'unsupported',
    ],
  ];
  it.each(broken)('K4 refuses a file with %s', async (_, changes, reason) => {
    const { memory } = open();
    expect(await pass(memory, 'fromOpenSsh', fileOf(openSsh(ED, changes())))).toBe(reason);
  });

  it('K4 refuses numbers of EC and RSA that are negative, zero, padded or too long', async () => {
    const { memory } = open();
    const { jwk } = sampleOf('P-256');
    const { publicKey } = halves(jwk);
    const forged: readonly (readonly [Buffer, string])[] = [
      [string(Buffer.alloc(32, 0xff)), 'syntax'],
      [string(''), 'syntax'],
      [string(Buffer.of(0)), 'syntax'],
      [string(Buffer.concat([Buffer.of(0, 0), number(jwk.d)])), 'syntax'],
      [mpint(Buffer.alloc(33, 1)), 'syntax'],
      [mpint(Buffer.alloc(32, 0xff)), 'value'],
      [mpint(Buffer.of(1)), 'mismatch'],
    ];
    for (const [d, reason] of forged) {
      const block = openSsh(jwk, { privateKey: Buffer.concat([publicKey, d]) });
      expect(await pass(memory, 'fromOpenSsh', fileOf(block))).toBe(reason);
    }
    const { jwk: rsa } = sampleOf('RSA');
    for (const name of ['n', 'e', 'd', 'qi', 'p', 'q'] as const) {
      const block = openSsh({ ...rsa, [name]: Buffer.alloc(128, 0x7f).toString('base64url') });
      expect(['value', 'unsupported']).toContain(await pass(memory, 'fromOpenSsh', fileOf(block)));
    }
  });

  it('K4 refuses every file that is cut off', async () => {
    const { memory } = open();
    for (const type of ['Ed25519', 'P-256']) {
      const block = openSsh(sampleOf(type).jwk);
      for (let end = 0; end < block.length; end++) {
        expect(typeof (await pass(memory, 'fromOpenSsh', fileOf(block.subarray(0, end))))).toBe(
          'string',
        );
      }
    }
  });
});
