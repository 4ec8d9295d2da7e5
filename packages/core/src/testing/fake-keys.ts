import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
} from 'node:crypto';
import {
  AGREEMENTS,
  type AgreementAlgorithm,
  type DigestName,
  type KeyType,
  ownProperties,
  SIGNATURES,
  type SignatureAlgorithm,
} from '../contract/index.js';
import { type CurveName, publicPoint, scalarOf, sharedX, signDigest } from './fake-curve.js';

/** What a simulated key gives, or what is wrong. */
export type FakeOutcome = Uint8Array | 'key' | 'peer';

const PRIVATE = {
  Ed25519: '302e020100300506032b657004220420',
  X25519: '302e020100300506032b656e04220420',
} as const;
const PUBLIC_X25519 = '302a300506032b656e032100';

/** `DigestInfo` of PKCS#1 up to the digest (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO: Readonly<Record<DigestName, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

/** Options that node:crypto does not look up on a prototype. */
const bare = <T extends object>(options: T): T => ownProperties(options, 'options');

/** A signature as the contract has it, over a digest or the message of Ed25519. */
export function fakeSignature(
  algorithm: SignatureAlgorithm,
  key: Uint8Array,
  message: Uint8Array,
): FakeOutcome {
  const { type, digest } = SIGNATURES[algorithm];
  if (type === 'Ed25519') return sign(null, message, bare({ key: okp(type, key) }));
  if (type === 'RSA') {
    const rsa = rsaOf(key);
    if (rsa === undefined) return 'key';
    return signRsa(rsa, digest as DigestName, message, algorithm.startsWith('PS'));
  }
  const scalar = scalarOf(type, key);
  if (scalar === undefined) return 'key';
  const recoverable = algorithm === 'ES256K-R';
  const signature = signDigest(type, scalar, message, key.length, recoverable);
  return recoverable ? signature : signature.subarray(0, 2 * key.length);
}

/** A public key as the contract has it. */
export function fakePublicKey(type: KeyType, key: Uint8Array): FakeOutcome {
  if (type === 'Ed25519' || type === 'X25519') {
    const spki = createPublicKey(okp(type, key)).export(
      bare({ format: 'der', type: 'spki' } as const),
    );
    return spki.subarray(-32);
  }
  if (type === 'RSA') {
    const rsa = rsaOf(key);
    return rsa === undefined
      ? 'key'
      : createPublicKey(rsa).export(bare({ format: 'der', type: 'pkcs1' } as const));
  }
  const scalar = scalarOf(type, key);
  return scalar === undefined ? 'key' : publicPoint(type, scalar, key.length);
}

/** A shared secret as the contract has it. */
export function fakeSecret(
  algorithm: AgreementAlgorithm,
  key: Uint8Array,
  peer: Uint8Array,
): FakeOutcome {
  const { type } = AGREEMENTS[algorithm];
  if (type !== 'X25519') {
    const scalar = scalarOf(type as CurveName, key);
    if (scalar === undefined) return 'key';
    return sharedX(type as CurveName, scalar, peer, key.length) ?? 'peer';
  }
  const spki = Buffer.concat([Buffer.from(PUBLIC_X25519, 'hex'), peer]);
  try {
    const publicKey = createPublicKey(bare({ key: spki, format: 'der', type: 'spki' } as const));
    return diffieHellman(bare({ privateKey: okp(type, key), publicKey }));
  } catch {
    return 'peer';
  }
}

function okp(type: 'Ed25519' | 'X25519', key: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from(PRIVATE[type], 'hex'), key.subarray(0, 32)]);
  return createPrivateKey(bare({ key: der, format: 'der', type: 'pkcs8' } as const));
}

/** An RSA key of the contract, or undefined: two primes, a modulus of a size that is allowed, nothing behind. */
function rsaOf(key: Uint8Array): KeyObject | undefined {
  try {
    const rsa = createPrivateKey(
      bare({ key: Buffer.from(key), format: 'der', type: 'pkcs1' } as const),
    );
    const bits = rsa.asymmetricKeyDetails?.modulusLength ?? 0;
    const whole = rsa.export(bare({ format: 'der', type: 'pkcs1' } as const)).equals(key);
    return whole && bits >= 1024 && bits <= 16_384 ? rsa : undefined;
  } catch {
    return undefined;
  }
}

function signRsa(key: KeyObject, hash: DigestName, digest: Uint8Array, pss: boolean): FakeOutcome {
  try {
    if (!pss) {
      const info = Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]);
      return privateEncrypt(bare({ key, padding: constants.RSA_PKCS1_PADDING }), info);
    }
    const bits = key.asymmetricKeyDetails?.modulusLength as number;
    const padded = padPss(hash, digest, bits);
    return privateEncrypt(bare({ key, padding: constants.RSA_NO_PADDING }), padded);
  } catch {
    return 'key';
  }
}

/** EMSA-PSS (RFC 8017, section 9.1.1) with a salt as long as the digest, as wide as the modulus. */
function padPss(hash: DigestName, digest: Uint8Array, modulusBits: number): Buffer {
  const bits = modulusBits - 1;
  const [byteLength, width] = [Math.ceil(bits / 8), Math.ceil(modulusBits / 8)];
  const salt = randomBytes(digest.length);
  const seed = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const blockLength = byteLength - digest.length - 1;
  const block = Buffer.alloc(blockLength);
  if (blockLength < salt.length + 1) throw new RangeError('the modulus is too small');
  block[blockLength - salt.length - 1] = 1;
  salt.copy(block, blockLength - salt.length);
  const masked = mask(hash, seed, block);
  masked[0] = (masked[0] as number) & (0xff >> (8 * byteLength - bits));
  const padded = Buffer.concat([masked, seed, Buffer.of(0xbc)]);
  return Buffer.concat([Buffer.alloc(width - byteLength), padded]);
}

/** MGF1 (RFC 8017, appendix B.2.1), laid over the block. */
function mask(hash: DigestName, seed: Uint8Array, block: Buffer): Buffer {
  const masked = Buffer.from(block);
  for (let counter = 0, at = 0; at < block.length; counter++) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    for (const byte of createHash(hash).update(seed).update(count).digest()) {
      if (at < block.length) masked[at] = (masked[at] as number) ^ byte;
      at++;
    }
  }
  return masked;
}
