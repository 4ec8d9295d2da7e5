import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Door } from './key-files.js';

/** What a file holds by `node:crypto`, which shares nothing with our parsers. */

/**
 * The private part as a door has it, in hexadecimal; undefined where Node refuses the file. `unknown` where Node does not know the
 * format, and where it does not know a version of it that we do.
 */
export function privatePartByNode(door: Door, file: Uint8Array): string | undefined {
  if (door === 'fromOpenSsh') return 'unknown';
  const key = keyByNode(door, Buffer.from(file));
  if (key === undefined) return isVersion1(door, file) ? 'unknown' : undefined;
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'RSA') return key.export({ format: 'der', type: 'pkcs1' }).toString('hex');
  const hex = (text: string | undefined): string =>
    Buffer.from(text ?? '', 'base64url').toString('hex');
  return jwk.crv === 'Ed25519' ? hex(jwk.d) + hex(jwk.x) : hex(jwk.d);
}

/** Whether it is PKCS#8 of version 1 (RFC 5958), which OpenSSL 3.0 does not know: `02 01 01 30` near the front. */
function isVersion1(door: Door, file: Uint8Array): boolean {
  const text = Buffer.from(file);
  const der =
    door === 'fromPem'
      ? Buffer.from(text.toString('latin1').split('-----')[2] ?? '', 'base64')
      : text;
  return der.subarray(0, 12).includes(Buffer.from('02010130', 'hex'));
}

/** Whether the outer value of DER ends where the file does. */
export function isOneSequence(file: Uint8Array): boolean {
  const first = file[1] ?? 0;
  if (first < 0x80) return file.length === 2 + first;
  const digits = [...file.subarray(2, 2 + first - 0x80)];
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  return file.length === 2 + digits.length + length;
}

function keyByNode(door: Door, file: Buffer): KeyObject | undefined {
  const attempts =
    door === 'fromPem'
      ? [() => createPrivateKey({ key: file, format: 'pem' })]
      : door === 'fromJwk'
        ? [() => createPrivateKey({ key: JSON.parse(file.toString('utf8')), format: 'jwk' })]
        : (['pkcs8', 'sec1', 'pkcs1'] as const).map(
            (type) => () => createPrivateKey({ key: file, format: 'der', type }),
          );
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch {
      // The next one.
    }
  }
  return undefined;
}
