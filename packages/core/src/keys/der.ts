import type { KeyType } from '../contract/keys.js';

/** Keys in DER, as `node:crypto` takes them: each is a fixed beginning and the bytes of the key. */

type Curve = 'P-256' | 'P-384' | 'P-521' | 'secp256k1';

/** `SubjectPublicKeyInfo` up to the key (RFC 5480, RFC 8410). */
const PUBLIC: Readonly<Record<Exclude<KeyType, 'RSA'>, string>> = {
  Ed25519: '302a300506032b6570032100',
  X25519: '302a300506032b656e032100',
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'P-384': '3076301006072a8648ce3d020106052b81040022036200',
  'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
  secp256k1: '3056301006072a8648ce3d020106052b8104000a034200',
};

/** `PrivateKeyInfo` up to the seed or scalar (RFC 8410). */
const OKP = {
  Ed25519: '302e020100300506032b657004220420',
  X25519: '302e020100300506032b656e04220420',
} as const;

/** `ECPrivateKey` (RFC 5915) around the scalar: what stands before it, and the name of the curve behind it. */
const EC: Readonly<Record<Curve, readonly [string, string]>> = {
  'P-256': ['30310201010420', 'a00a06082a8648ce3d030107'],
  'P-384': ['303e0201010430', 'a00706052b81040022'],
  'P-521': ['30500201010442', 'a00706052b81040023'],
  secp256k1: ['302e0201010420', 'a00706052b8104000a'],
};

/** A private key in DER, a copy that the caller wipes, and the format that it is in. */
export function derOfPrivateKey(
  type: KeyType,
  bytes: Uint8Array,
): { readonly der: Uint8Array<ArrayBuffer>; readonly format: 'pkcs8' | 'sec1' | 'pkcs1' } {
  if (type === 'RSA') return { der: between('', bytes, ''), format: 'pkcs1' };
  if (type === 'Ed25519' || type === 'X25519') {
    return { der: between(OKP[type], bytes, ''), format: 'pkcs8' };
  }
  const [before, behind] = EC[type];
  return { der: between(before, bytes, behind), format: 'sec1' };
}

/** A public key as `SubjectPublicKeyInfo`. RSA has a format of its own, in which its bytes are already. */
export function derOfPublicKey(
  type: Exclude<KeyType, 'RSA'>,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return between(PUBLIC[type], bytes, '');
}

function between(before: string, bytes: Uint8Array, behind: string): Uint8Array<ArrayBuffer> {
  const [head, tail] = [Buffer.from(before, 'hex'), Buffer.from(behind, 'hex')];
  const der = new Uint8Array(new ArrayBuffer(head.length + bytes.length + tail.length));
  der.set(head);
  der.set(bytes, head.length);
  der.set(tail, head.length + bytes.length);
  return der;
}
