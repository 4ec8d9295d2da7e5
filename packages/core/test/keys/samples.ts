import {
  createPrivateKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

/** Keys made by `node:crypto`, in every form that it writes. */
export interface Sample {
  readonly type: string;
  readonly key: KeyObject;
  readonly jwk: JsonWebKey;
}

const made = new Map<string, Sample>();
const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  secp256k1: 'secp256k1',
};
export const TYPES = ['Ed25519', 'X25519', ...Object.keys(CURVES), 'RSA'];

/** One key of a type, the same in every test of a file. */
export function sampleOf(type: string): Sample {
  const known = made.get(type);
  if (known !== undefined) return known;
  const key = generated(type);
  const sample = { type, key, jwk: key.export({ format: 'jwk' }) };
  made.set(type, sample);
  return sample;
}

function generated(type: string): KeyObject {
  const namedCurve = CURVES[type];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  if (type === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return type === 'Ed25519'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('x25519').privateKey;
}

/** What the secret of a door holds for a key of Node, which keeps nothing back of it. */
export function privatePartOf(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'RSA') return key.export({ format: 'der', type: 'pkcs1' });
  const d = Buffer.from(jwk.d as string, 'base64url');
  if (jwk.crv !== 'Ed25519') return d;
  return Buffer.concat([d, Buffer.from(jwk.x as string, 'base64url')]);
}

/** Bytes outside the moving heap. */
export function bytesOf(content: Uint8Array | string): Uint8Array {
  const source = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  const bytes = new Uint8Array(new ArrayBuffer(source.length));
  bytes.set(source);
  return bytes;
}

/** A file of PEM. */
export function pemOf(label: string, der: Uint8Array, width = 64): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** Whether Node takes the file. */
export function nodeKey(file: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(file);
  } catch {
    return undefined;
  }
}
