import { createECDH, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Random } from '../random.mjs';
import { openSshBlock } from './open-ssh-files.js';

/** Files of keys, in every form that a door takes. */
export const DOORS = ['fromPem', 'fromDer', 'fromJwk', 'fromOpenSsh'] as const;
export type Door = (typeof DOORS)[number];

/** RFC 7517, appendix A.2. */
const RSA: JsonWebKey = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  d: 'X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q',
  p: '83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs',
  q: '3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovonizhKpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk',
  dp: 'G4sPXkc6Ya9y8oJW9_ILj4xuppu0lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYhFo5tAA77Qe_NmtuYZc3C3m3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0',
  dq: 's9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOAhvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUiraRNqUfLhcQb_d9GF4Dh7e74WbRsobRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk',
  qi: 'GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI-puxk_mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU',
};

const LABELS = { pkcs8: 'PRIVATE KEY', sec1: 'EC PRIVATE KEY', pkcs1: 'RSA PRIVATE KEY' } as const;

const KEYS: readonly KeyObject[] = [
  createPrivateKey({ key: RSA, format: 'jwk' }),
  octetKey('70'),
  octetKey('6e'),
  pointKey('P-256', 'prime256v1', 32),
  pointKey('P-384', 'secp384r1', 48),
  pointKey('P-521', 'secp521r1', 66),
  pointKey('secp256k1', 'secp256k1', 32),
];

/** A file for a door that is well formed, or whose base64 is. */
export function keyFile(door: Door, random: Random): Buffer {
  const key = random.of(KEYS);
  if (door === 'fromJwk') return Buffer.from(JSON.stringify(key.export({ format: 'jwk' })));
  if (door === 'fromOpenSsh') {
    const block = changed(openSshBlock(key.export({ format: 'jwk' })), random);
    return pem('OPENSSH PRIVATE KEY', block, 70);
  }
  const own = { ec: 'sec1', rsa: 'pkcs1' }[String(key.asymmetricKeyType)] ?? 'pkcs8';
  const type = (random.chance(1 / 2) ? 'pkcs8' : own) as keyof typeof LABELS;
  const der = changed(key.export({ format: 'der', type: type as 'pkcs8' }), random);
  return door === 'fromDer' ? der : pem(LABELS[type], der, 64);
}

/** With one byte changed, added or taken away below the base64, where the usual changes do not reach; or as it was. */
function changed(der: Buffer, random: Random): Buffer {
  const at = random.below(der.length);
  const kind = random.below(6);
  const copy = Buffer.from(der);
  if (kind === 0) copy[at] = random.below(256);
  if (kind === 1) copy[at] = (copy[at] as number) ^ (1 << random.below(8));
  if (kind === 2) return Buffer.concat([der.subarray(0, at), der.subarray(at + 1)]);
  if (kind === 3) return Buffer.concat([der, Buffer.of(random.below(256))]);
  return copy;
}

function pem(label: string, content: Buffer, width: number): Buffer {
  const lines = content.toString('base64').match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  return Buffer.from(`-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`);
}

/** `70` of Ed25519, `6e` of X25519. */
function octetKey(last: string): KeyObject {
  const key = Buffer.from(`302e020100300506032b65${last}04220420${'5a'.repeat(32)}`, 'hex');
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function pointKey(crv: string, name: string, width: number): KeyObject {
  const d = Buffer.alloc(width, 0x5a);
  d[0] = 0;
  const pair = createECDH(name);
  pair.setPrivateKey(d);
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 1 + width), point.subarray(1 + width)];
  const [dText, xText, yText] = [d, x, y].map((part) => part.toString('base64url'));
  const key = { kty: 'EC', crv, d: dText, x: xText, y: yText } as JsonWebKey;
  return createPrivateKey({ key, format: 'jwk' });
}
