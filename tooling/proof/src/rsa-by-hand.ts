import { createHash, type JsonWebKey, type KeyObject } from 'node:crypto';

/** RSA verified by RFC 8017 with whole numbers: a second opinion that shares no code with OpenSSL. */

const number = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The encoded message inside a signature, `byteLength` bytes. */
function open(key: KeyObject, signature: Uint8Array, byteLength: number): Buffer {
  const { n = '', e = '' } = key.export({ format: 'jwk' }) as JsonWebKey;
  const [modulus, exponent] = [n, e].map((part) => number(Buffer.from(part, 'base64url')));
  const message = power(number(signature), exponent as bigint, modulus as bigint);
  return Buffer.from(message.toString(16).padStart(byteLength * 2, '0'), 'hex');
}

/** DigestInfo without the digest (RFC 8017, section 9.2, notes). */
const PREFIXES: Readonly<Record<string, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

export function isPkcs1Signature(
  key: KeyObject,
  hash: string,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const info = Buffer.concat([Buffer.from(PREFIXES[hash] as string, 'hex'), digest]);
  const padding = Buffer.alloc(signature.length - info.length - 3, 0xff);
  const expected = Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info]);
  return open(key, signature, signature.length).equals(expected);
}

/** With a salt as long as the digest, and MGF1 by the same hash. */
export function isPssSignature(
  key: KeyObject,
  hash: string,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1;
  const byteLength = Math.ceil(bits / 8);
  const message = open(key, signature, byteLength);
  const length = digest.length;
  const masked = message.subarray(0, byteLength - length - 1);
  const seed = message.subarray(byteLength - length - 1, byteLength - 1);
  const mask: Buffer[] = [];
  for (let counter = 0; counter * length < masked.length; counter += 1) {
    const suffix = Buffer.from([0, 0, counter >> 8, counter & 255]);
    mask.push(createHash(hash).update(seed).update(suffix).digest());
  }
  const all = Buffer.concat(mask);
  const data = Buffer.from(masked.map((byte, index) => byte ^ (all[index] as number)));
  data[0] = (data[0] as number) & (0xff >> (8 * byteLength - bits));
  const salt = data.subarray(data.length - length);
  const zeros = data.subarray(0, data.length - length - 1);
  const again = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  return (
    message.at(-1) === 0xbc &&
    zeros.every((byte) => byte === 0) &&
    data[zeros.length] === 1 &&
    again.equals(seed)
  );
}
