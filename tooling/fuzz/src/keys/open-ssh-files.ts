import type { JsonWebKey } from 'node:crypto';

const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

/** The block of a file of OpenSSH. Keys of other curves are written as if they were of P-256. */
export function openSshBlock(jwk: JsonWebKey): Buffer {
  const { publicKey, privateKey } = halves(jwk);
  const check = Buffer.from('0123456701234567', 'hex');
  const section = Buffer.concat([check, privateKey, string('fuzz')]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (section.length % 8)) % 8));
  return Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    Buffer.from('00000001', 'hex'),
    string(publicKey),
    string(Buffer.concat([section, padding])),
  ]);
}

function halves(jwk: JsonWebKey): { readonly publicKey: Buffer; readonly privateKey: Buffer } {
  if (jwk.kty === 'RSA') {
    const { n, e, d, p, q, qi } = jwk;
    const type = string('ssh-rsa');
    return {
      publicKey: Buffer.concat([type, number(e), number(n)]),
      privateKey: Buffer.concat([type, ...[n, e, d, qi, p, q].map(number)]),
    };
  }
  if (jwk.kty === 'OKP') {
    const publicKey = Buffer.concat([string('ssh-ed25519'), string(bytes(jwk.x))]);
    const pair = Buffer.concat([bytes(jwk.d), bytes(jwk.x)]);
    return { publicKey, privateKey: Buffer.concat([publicKey, string(pair)]) };
  }
  const name = CURVES[jwk.crv as string] ?? 'nistp256';
  const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
  const publicKey = Buffer.concat([string(`ecdsa-sha2-${name}`), string(name), string(point)]);
  return { publicKey, privateKey: Buffer.concat([publicKey, number(jwk.d)]) };
}

const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');

function string(content: Uint8Array | string): Buffer {
  const body = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function number(text: string | undefined): Buffer {
  const digits = bytes(text);
  let first = 0;
  while (digits[first] === 0 && first < digits.length - 1) first++;
  const rest = digits.subarray(first);
  return string((rest[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), rest]) : rest);
}
