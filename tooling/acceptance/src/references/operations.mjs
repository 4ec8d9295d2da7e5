/** Some hundred operations of `node:crypto` on keys of every type whose answers are the same each time, errors too. */
import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  diffieHellman,
  generateKeyPairSync,
  getCiphers,
  getCurves,
  getFips,
  getHashes,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  sign,
  verify,
} from 'node:crypto';
import { getCiphers as getTlsCiphers } from 'node:tls';
import { BASES } from './corpus.mjs';

const message = Buffer.from('an ordinary message');
/** Types whose signature of a message is always the same. */
const STEADY = /^(rsa|ed25519|ed448)$/;

/** @typedef {import('node:crypto').KeyObject} KeyObject */

/** @param {string | Buffer | Uint8Array} data */
const digestOf = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

/** What a signature may be compared by. @param {KeyObject} key @param {Buffer} signature @param {boolean} right */
const signed = (key, signature, right) =>
  `${right} ${STEADY.test(String(key.asymmetricKeyType)) ? digestOf(signature) : ''}`;

/** @param {KeyObject} key @param {object} as */
const exported = (key, as) => {
  const out = /** @type {any} */ (key).export(as);
  return digestOf(typeof out === 'string' || Buffer.isBuffer(out) ? out : JSON.stringify(out));
};

/** @param {string | null} digest @param {object} by @returns {(key: KeyObject) => string} */
const signs = (digest, by) => (key) => {
  const signature = sign(digest, message, { key, ...by });
  return signed(
    key,
    signature,
    verify(digest, message, { key: createPublicKey(key), ...by }, signature),
  );
};

/** @type {Readonly<Record<string, (key: KeyObject) => string>>} */
const WITH_A_KEY = {
  details: (key) => JSON.stringify(Object.keys(key.asymmetricKeyDetails ?? {})),
  JWK: (key) => exported(key, { format: 'jwk' }),
  'PKCS#8': (key) => exported(key, { format: 'pem', type: 'pkcs8' }),
  'SEC 1': (key) => exported(key, { format: 'der', type: 'sec1' }),
  'PKCS#1': (key) => exported(key, { format: 'der', type: 'pkcs1' }),
  encrypted: (key) => {
    const pem = /** @type {string} */ (
      key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' })
    );
    return String(createPrivateKey({ key: pem, passphrase: 'x' }).equals(key));
  },
  'public, SPKI': (key) => exported(createPublicKey(key), { format: 'der', type: 'spki' }),
  'public, JWK': (key) => exported(createPublicKey(key), { format: 'jwk' }),
  'public, equals': (key) =>
    String(
      createPublicKey(key).equals(
        createPublicKey(createPublicKey(key).export({ format: 'pem', type: 'spki' })),
      ),
    ),
  'sign, no digest': signs(null, {}),
  'sign, sha256': signs('sha256', {}),
  'sign, p1363': signs('sha384', { dsaEncoding: 'ieee-p1363' }),
  'sign, PSS': (key) =>
    signs('sha256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })(key).slice(0, 4),
  'sign, no such digest': signs('sha257', {}),
  createSign: (key) => {
    const signature = createSign('sha512').update(message).sign(key);
    return signed(
      key,
      signature,
      createVerify('sha512').update(message).verify(createPublicKey(key), signature),
    );
  },
  'verify, wrong': (key) =>
    String(verify('sha256', message, createPublicKey(key), Buffer.alloc(70, 1))),
  diffieHellman: (key) =>
    digestOf(diffieHellman({ privateKey: key, publicKey: createPublicKey(key) })),
  'decrypt garbage': (key) => digestOf(privateDecrypt(key, Buffer.alloc(128, 1))),
  OAEP: (key) => String(privateDecrypt(key, publicEncrypt(createPublicKey(key), message))),
  'PKCS#1 by hand': (key) =>
    String(publicDecrypt(createPublicKey(key), privateEncrypt(key, message))),
  clone: (key) => String(structuredClone(key).equals(key)),
};

/** @type {readonly (readonly [string, () => string])[]} */
const MAKING = [
  ...['ed25519', 'ed448', 'x25519', 'x448'].map((type) => make(type, {})),
  ...['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1', 'brainpoolP256r1', 'no such curve'].map(
    (namedCurve) => make('ec', { namedCurve }),
  ),
  make('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }),
  ...[512, 1024, 3].map((modulusLength) => make('rsa', { modulusLength })),
  make('rsa', { modulusLength: 512, publicExponent: 3 }),
  make('rsa-pss', { modulusLength: 1024, hashAlgorithm: 'sha256' }),
  make('dh', { group: 'modp14' }),
  ...['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1', 'none'].map(
    (curve) => /** @type {const} */ ([`createECDH ${curve}`, () => agreed(curve)]),
  ),
];

/** @param {string} type @param {object} options @returns {readonly [string, () => string]} */
function make(type, options) {
  const name = `make ${type} ${JSON.stringify(options)}`;
  return [
    name,
    () => {
      const { publicKey } = /** @type {any} */ (generateKeyPairSync)(type, options);
      return `${publicKey.asymmetricKeyType} ${JSON.stringify(publicKey.asymmetricKeyDetails, (_, value) => String(value))}`;
    },
  ];
}

/** @param {string} curve */
function agreed(curve) {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(Buffer.alloc(32, 7));
  return digestOf(ecdh.computeSecret(ecdh.getPublicKey()));
}

const keys = BASES.filter(({ name }) => name.endsWith(' pk8'));

/** @type {readonly (readonly [string, () => string])[]} */
export const OPERATIONS = [
  ...MAKING,
  ...keys.flatMap(({ name, text }) =>
    Object.entries(WITH_A_KEY).map(
      ([what, run]) =>
        /** @type {const} */ ([`${name}: ${what}`, () => run(createPrivateKey(text))]),
    ),
  ),
];

/** What OpenSSL says it can do. */
export function figures() {
  return {
    fips: getFips(),
    lists: [getCiphers(), getHashes(), getCurves(), getTlsCiphers()].map(
      (list) => `${list.length} ${digestOf(list.join())}`,
    ),
    constants: digestOf(JSON.stringify(constants)),
  };
}
