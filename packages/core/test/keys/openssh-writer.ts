import type { JsonWebKey } from 'node:crypto';

/** Values of SSH (RFC 4251, section 5), for tests that write files of OpenSSH by hand. */
export function string(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function mpint(bytes: Uint8Array): Buffer {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first++;
  const digits = bytes.subarray(first);
  return string((digits[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** Every part of a file, so that a test can replace it. */
export interface OpenSshParts {
  readonly magic: Buffer;
  readonly cipher: Buffer;
  readonly derivation: Buffer;
  readonly options: Buffer;
  readonly count: Buffer;
  readonly publicKey: Buffer;
  readonly checks: Buffer;
  readonly privateKey: Buffer;
  readonly comment: Buffer;
  readonly padding: Buffer | undefined;
  readonly more: Buffer;
}

const NIST: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

/** The public and the private key as OpenSSH has them. */
export function halves(jwk: JsonWebKey): {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
} {
  const number = (text: unknown): Buffer => Buffer.from(text as string, 'base64url');
  if (jwk.kty === 'OKP') {
    const type = string('ssh-ed25519');
    const x = number(jwk.x);
    const pair = string(Buffer.concat([number(jwk.d), x]));
    return {
      publicKey: Buffer.concat([type, string(x)]),
      privateKey: Buffer.concat([type, string(x), pair]),
    };
  }
  if (jwk.kty === 'RSA') {
    const type = string('ssh-rsa');
    const of = (...names: readonly string[]): Buffer[] =>
      names.map((name) => mpint(number(jwk[name as 'n'])));
    return {
      publicKey: Buffer.concat([type, ...of('e', 'n')]),
      privateKey: Buffer.concat([type, ...of('n', 'e', 'd', 'qi', 'p', 'q')]),
    };
  }
  const name = NIST[jwk.crv as string] as string;
  const point = string(Buffer.concat([Buffer.of(4), number(jwk.x), number(jwk.y)]));
  const publicKey = Buffer.concat([string(`ecdsa-sha2-${name}`), string(name), point]);
  return { publicKey, privateKey: Buffer.concat([publicKey, mpint(number(jwk.d))]) };
}

/** The block of a file with a key, with some of its parts replaced. */
export function openSsh(jwk: JsonWebKey, changes: Partial<OpenSshParts> = {}): Buffer {
  const { publicKey, privateKey } = halves(jwk);
  const parts: OpenSshParts = {
    magic: Buffer.from('openssh-key-v1\0'),
    cipher: string('none'),
    derivation: string('none'),
    options: string(''),
    count: uint32(1),
    publicKey,
    checks: Buffer.concat([uint32(0x12345678), uint32(0x12345678)]),
    privateKey,
    comment: string('somebody@somewhere'),
    padding: undefined,
    more: Buffer.of(),
    ...changes,
  };
  const section = Buffer.concat([parts.checks, parts.privateKey, parts.comment]);
  const padding =
    parts.padding ?? Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (section.length % 8)) % 8));
  return Buffer.concat([
    parts.magic,
    parts.cipher,
    parts.derivation,
    parts.options,
    parts.count,
    string(parts.publicKey),
    string(Buffer.concat([section, padding])),
    parts.more,
  ]);
}
