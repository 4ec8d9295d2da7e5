import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  AGREEMENTS,
  type AgreementAlgorithm,
  KEY_TYPES,
  type KeyAlgorithm,
  type KeyType,
  ownProperties,
  SIGNATURES,
  type SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Ffi } from './ffi.js';
import type { KeyFamily } from './private-keys.js';

/** A question about keys whose answers are known; every value is public, in base64 for RSA and in hexadecimal otherwise. */
interface Known {
  readonly privateKey: string;
  readonly publicKey: string;
  /** What the key agrees on with `peer`, which is its own public key unless said. */
  readonly peer?: string;
  readonly secret?: string;
  /** The public key as `node:crypto` takes it: what stands before its bytes in DER. */
  readonly prefix: string;
}

/** SubjectPublicKeyInfo (RFC 5480, 8410, 8017) up to the key itself. */
const SPKI = {
  Ed25519: '302a300506032b6570032100',
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'P-384': '3076301006072a8648ce3d020106052b81040022036200',
  'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
  secp256k1: '3056301006072a8648ce3d020106052b8104000a034200',
} as const;

/**
 * Ed25519: RFC 8032, section 7.1, test 1. X25519: RFC 7748, section 6.1. P-256, P-384, P-521: the keys of RFC 6979, sections
 * A.2.5 to A.2.7. secp256k1: twice and four times the generator of SEC 2. RSA: made for this file.
 */
const KNOWN: Readonly<Record<KeyType, Known>> = {
  Ed25519: {
    privateKey: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    prefix: SPKI.Ed25519,
  },
  X25519: {
    privateKey: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    publicKey: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    peer: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    secret: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    prefix: '',
  },
  'P-256': {
    privateKey: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    publicKey:
      '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
      '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    secret: '2388ee990c93c4bb757203225b7786d69950d2f0de43cdf23dc71f5efaa169c8',
    prefix: SPKI['P-256'],
  },
  'P-384': {
    privateKey:
      '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    publicKey:
      '04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13' +
      '8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
    secret:
      '905b8f97a03235c5cb1752a7984727c2e978287ee1afbaafa89e5ca1d4c601702c1c5f5ed8f12ec243da8281f12932a8',
    prefix: SPKI['P-384'],
  },
  'P-521': {
    privateKey:
      '00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa8' +
      '96eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538',
    publicKey:
      '0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd37' +
      '1123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4' +
      '00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0' +
      'db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5',
    secret:
      '01901b89b20bd70e5683bd9cf00422f38c75237eeb357d78eeb091eff0aba905f812' +
      '1159aba8b5be730c4b65b93dc7357c9f29de67e319c4adb1fc2fdd1bd8444063',
    prefix: SPKI['P-521'],
  },
  secp256k1: {
    privateKey: '0000000000000000000000000000000000000000000000000000000000000002',
    publicKey:
      '04c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5' +
      '1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
    secret: 'e493dbf1c10d80f3581e4904930b1404cc6c13900ee0758474fa94abe8c4cd13',
    prefix: SPKI.secp256k1,
  },
  RSA: {
    privateKey:
      'MIIC7gIBAAKBoQDHbeBfkXAnmMFcxnPVnqULq5IZV1Lof/UyLOuSaNEwBnlIR/7ojgCYLeDMONfqtcIVeJiVXMXOIkvwlS0rWHT5' +
      'TG+ivjF1+kKnUJzzVgP02AoEyAC9UcnU2SREfGa/spZGHlYjBLdRVzeTbkBJq/MNskwd0MxOrUD3pbZaG2FglL9HCA1s6wUWKcjh' +
      '/H1ZR+cFoBCrSAPN7ikugdmcruLjAgMBAAECgaBdVPfP4hHaBixgTeQCEnftaUM7ptl/Q/stm0Y4Q+O6lR0HjeInVeXDUp1FFkk+' +
      'aAfH4qOOK1fLa9OcaUQ1Z/V+gp4wTNB7BT9SbHC3lQbO+8RIUwbbsznD3rAP6ZyOUf9HS85zbnOof54IOjuWp6E+YqRYLzjm26+Q' +
      'uM7wQajA305bhtOznQRt+fMwjdSqEojLn8TFqUizk/OyvK9PcW7JAlEA82/UmmfcNyeuO7HjdJx7DxLHUPlsbenV1Zo69PZDesoI' +
      'tmPcFU+p+h9mMSgh6N4OPvIh3zGQmUQ2vuXdXcUWqYnSBG0H9Du8Ac8MfyjyXpUCUQDRuKNyGLYwVd/l0lOqLoN+iumH7WqWjYOD' +
      '2G3hggn6bh1L86sSV1coMUMSCTZ8EcdE9Hol5fG+2kSPL02UNznJyhd6ct31rC6SHukc0cN1lwJRAMufBPRKX5b65/AisaD+qqhH' +
      'CtUebKXba/OJWDtCKdtxVqxJBvQEeKcw0GfZq9N+uefI3LA2Yz7wIeK3ntwqWPRixXrSQE74ECBrMYbDl0epAlEAi0aGbShSHel5' +
      'xsOWQmefdfNEwbt+1LroQzABUQiuHbzxAdaxnn2YaR3F//1UTLL11ipR0EdT8z4616g/ahX+766hRvVvyE5voySaBUSc/MMCUQDZ' +
      's5mHjDeAAmU5YfPcIl7fh9bI6XrOq6ehH6iuigdMidqMEuF5xREwDrKyD4/Z0BtX3mHtDOX+LknXrRlu2BJvOaf3Nnb4CEBUwmrt' +
      '1xIrhQ==',
    publicKey:
      'MIGpAoGhAMdt4F+RcCeYwVzGc9WepQurkhlXUuh/9TIs65Jo0TAGeUhH/uiOAJgt4Mw41+q1whV4mJVcxc4iS/CVLStYdPlMb6K+' +
      'MXX6QqdQnPNWA/TYCgTIAL1RydTZJER8Zr+ylkYeViMEt1FXN5NuQEmr8w2yTB3QzE6tQPeltlobYWCUv0cIDWzrBRYpyOH8fVlH' +
      '5wWgEKtIA83uKS6B2Zyu4uMCAwEAAQ==',
    prefix: '',
  },
};

const MESSAGE = Buffer.from('abc');

/** Options that node:crypto does not look up on a prototype. */
const bare = <T extends object>(options: T): T => ownProperties(options, 'options');

/** What is recovered is not what is signed and verified here; nobody but an addon of our own gives it. */
type Signed = Exclude<SignatureAlgorithm, 'ES256K-R'>;

/** The algorithms of a family that answer known questions right. */
export function answeredRight(family: KeyFamily, ffi: Ffi): KeyAlgorithm[] {
  const right = family.types.filter((type) => isRight(() => tellsPublicKey(family, type, ffi)));
  const signing = (Object.keys(SIGNATURES) as SignatureAlgorithm[]).filter(
    (name): name is Signed =>
      name !== 'ES256K-R' &&
      right.includes(SIGNATURES[name].type) &&
      isRight(() => signsRight(family, name, ffi)),
  );
  const agreeing = (Object.keys(AGREEMENTS) as AgreementAlgorithm[]).filter(
    (name) =>
      right.includes(AGREEMENTS[name].type) && isRight(() => agreesRight(family, name, ffi)),
  );
  return [...signing, ...agreeing];
}

function isRight(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return false;
  }
}

function tellsPublicKey(family: KeyFamily, type: KeyType, ffi: Ffi): boolean {
  const [key, expected] = [bytesOf(type, 'privateKey'), bytesOf(type, 'publicKey')];
  const target = scratch(KEY_TYPES[type].publicByteLength ?? key.length);
  const byteLength = family.publicKey(type, ffi.address(key), key.length, target);
  return byteLength === expected.length && expected.equals(target.subarray(0, byteLength));
}

function signsRight(family: KeyFamily, name: Signed, ffi: Ffi): boolean {
  const { type, digest, byteLength } = SIGNATURES[name];
  const key = bytesOf(type, 'privateKey');
  const message = scratch(
    digest === undefined ? MESSAGE.length : createHash(digest).digest().length,
  );
  message.set(digest === undefined ? MESSAGE : createHash(digest).update(MESSAGE).digest());
  const target = scratch(byteLength ?? key.length);
  const written = family.sign(name, ffi.address(key), key.length, message, target);
  if (typeof written !== 'number') return false;
  const asVerified = {
    key: publicKeyOf(type),
    dsaEncoding: 'ieee-p1363' as const,
    ...(name.startsWith('PS')
      ? {
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        }
      : {}),
  };
  return verify(digest, MESSAGE, bare(asVerified), target.subarray(0, written)) && key.length > 0;
}

function agreesRight(family: KeyFamily, name: AgreementAlgorithm, ffi: Ffi): boolean {
  const { type, byteLength } = AGREEMENTS[name];
  const key = bytesOf(type, 'privateKey');
  const secret = scratch(byteLength);
  const peer = KNOWN[type].peer === undefined ? 'publicKey' : 'peer';
  const written = family.agree(
    name,
    ffi.address(key),
    bytesOf(type, peer),
    ffi.address(secret),
    byteLength,
  );
  return written === byteLength && bytesOf(type, 'secret').equals(secret) && key.length > 0;
}

function publicKeyOf(type: KeyType): KeyObject {
  const bytes = bytesOf(type, 'publicKey');
  if (type === 'RSA')
    return createPublicKey(bare({ key: bytes, format: 'der', type: 'pkcs1' } as const));
  const key = Buffer.concat([Buffer.from(KNOWN[type].prefix, 'hex'), bytes]);
  return createPublicKey(bare({ key, format: 'der', type: 'spki' } as const));
}

/** The bytes of a known value, in memory whose address stays. */
function bytesOf(type: KeyType, what: 'privateKey' | 'publicKey' | 'peer' | 'secret'): Buffer {
  const bytes = Buffer.from(KNOWN[type][what] ?? '', type === 'RSA' ? 'base64' : 'hex');
  return Buffer.from(scratch(bytes.length, bytes).buffer);
}

function scratch(byteLength: number, bytes?: Uint8Array): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(new ArrayBuffer(byteLength));
  if (bytes !== undefined) made.set(bytes);
  return made;
}
