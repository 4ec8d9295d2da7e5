/** A hundred operations on ordinary keys of every type, none of which may notice that anything is loaded. */
import {
  constants,
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  diffieHellman,
  generateKeyPairSync,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  sign,
  verify,
  webcrypto,
} from 'node:crypto';
import { handshake } from './handshake.mjs';
import { identities } from './identities.mjs';

const message = Buffer.from('an ordinary message');
const { subtle } = webcrypto;

/** @param {boolean} right @param {string} what */
function expect(right, what) {
  if (!right) throw new Error(what);
}

/** @param {string} digest @param {import('node:crypto').KeyObject} privateKey @param {import('node:crypto').KeyObject} publicKey */
function signs(digest, privateKey, publicKey, more = {}) {
  const signature = sign(digest || null, message, { key: privateKey, ...more });
  expect(
    verify(digest || null, message, { key: publicKey, ...more }, signature),
    'a signature does not verify',
  );
}

/** Out and in again, in every format. @param {import('node:crypto').KeyObject} key @param {'pkcs1' | 'sec1' | undefined} legacy */
function travels(key, legacy) {
  const jwk = createPrivateKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
  expect(jwk.equals(key), 'JWK');
  for (const type of legacy === undefined ? ['pkcs8'] : ['pkcs8', legacy]) {
    const pem = key.export({ format: 'pem', type: /** @type {'pkcs8'} */ (type) });
    expect(createPrivateKey(pem).equals(key), `${type} in PEM`);
    const der = key.export({ format: 'der', type: /** @type {'pkcs8'} */ (type) });
    expect(
      createPrivateKey({ key: der, format: 'der', type: /** @type {'pkcs8'} */ (type) }).equals(
        key,
      ),
      type,
    );
  }
  const sealed = key.export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-128-cbc',
    passphrase: 'x',
  });
  expect(createPrivateKey({ key: sealed, passphrase: 'x' }).equals(key), 'encrypted PKCS#8');
  const publicKey = createPublicKey(key);
  const spki = publicKey.export({ format: 'pem', type: 'spki' });
  expect(createPublicKey(spki).equals(publicKey), 'SPKI');
  expect(Object.keys(key.asymmetricKeyDetails ?? {}).length >= 0, 'details');
}

const CURVES = /** @type {const} */ (['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1']);
/** @param {import('node:crypto').RSAKeyPairKeyObjectOptions} options */
const rsa = (options) => generateKeyPairSync('rsa', options);

/** @type {[string, () => unknown][]} */
const OPERATIONS = [
  ...CURVES.flatMap((namedCurve) => {
    const make = () => generateKeyPairSync('ec', { namedCurve });
    return /** @type {[string, () => unknown][]} */ ([
      [
        `${namedCurve}: sign`,
        () => {
          const { privateKey, publicKey } = make();
          signs('sha256', privateKey, publicKey);
          signs('sha384', privateKey, publicKey, { dsaEncoding: 'ieee-p1363' });
        },
      ],
      [
        `${namedCurve}: createSign`,
        () => {
          const { privateKey, publicKey } = make();
          const signature = createSign('sha256').update(message).sign(privateKey);
          expect(createVerify('sha256').update(message).verify(publicKey, signature), 'createSign');
        },
      ],
      [`${namedCurve}: formats`, () => travels(make().privateKey, 'sec1')],
      [
        `${namedCurve}: diffieHellman`,
        () => {
          const [a, b] = [make(), make()];
          expect(
            diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey }).equals(
              diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey }),
            ),
            'ECDH',
          );
        },
      ],
      [
        `${namedCurve}: createECDH`,
        () => {
          const [a, b] = [createECDH(namedCurve), createECDH(namedCurve)];
          a.generateKeys();
          b.generateKeys();
          expect(
            a.computeSecret(b.getPublicKey()).equals(b.computeSecret(a.getPublicKey())),
            'createECDH',
          );
        },
      ],
    ]);
  }),
  .../** @type {const} */ (['ed25519', 'ed448']).map(
    (type) =>
      /** @type {[string, () => unknown]} */ ([
        type,
        () => {
          const { privateKey, publicKey } = generateKeyPairSync(/** @type {'ed25519'} */ (type));
          signs('', privateKey, publicKey);
          travels(privateKey, undefined);
        },
      ]),
  ),
  .../** @type {const} */ (['x25519', 'x448']).map(
    (type) =>
      /** @type {[string, () => unknown]} */ ([
        type,
        () => {
          const [a, b] = [0, 1].map(() => generateKeyPairSync(/** @type {'x25519'} */ (type)));
          if (a === undefined || b === undefined) return;
          expect(
            diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey }).equals(
              diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey }),
            ),
            type,
          );
          travels(a.privateKey, undefined);
        },
      ]),
  ),
  [
    'rsa: sign',
    () => {
      const { privateKey, publicKey } = rsa({ modulusLength: 1024 });
      signs('sha256', privateKey, publicKey);
      signs('sha256', privateKey, publicKey, {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 20,
      });
    },
  ],
  ['rsa: formats', () => travels(rsa({ modulusLength: 1024 }).privateKey, 'pkcs1')],
  [
    'rsa: encryption',
    () => {
      const { privateKey, publicKey } = rsa({ modulusLength: 1024 });
      expect(privateDecrypt(privateKey, publicEncrypt(publicKey, message)).equals(message), 'OAEP');
      expect(
        publicDecrypt(publicKey, privateEncrypt(privateKey, message)).equals(message),
        'PKCS#1',
      );
    },
  ],
  [
    'rsa-pss',
    () => {
      const { privateKey, publicKey } = /** @type {any} */ (generateKeyPairSync)('rsa-pss', {
        modulusLength: 1024,
        hashAlgorithm: 'sha256',
        mgf1HashAlgorithm: 'sha256',
        saltLength: 32,
      });
      signs('sha256', privateKey, publicKey);
    },
  ],
  [
    'dh',
    () => {
      const [a, b] = [0, 1].map(() =>
        /** @type {any} */ (generateKeyPairSync)('dh', { group: 'modp14' }),
      );
      if (a && b)
        expect(
          diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey }).equals(
            diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey }),
          ),
          'DH',
        );
    },
  ],
  [
    'subtle: ECDSA',
    async () => {
      const keys = /** @type {any} */ (
        await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
      );
      const by = { name: 'ECDSA', hash: 'SHA-256' };
      expect(
        await subtle.verify(
          by,
          keys.publicKey,
          await subtle.sign(by, keys.privateKey, message),
          message,
        ),
        'ECDSA',
      );
      await subtle.importKey(
        'jwk',
        await subtle.exportKey('jwk', keys.privateKey),
        { name: 'ECDSA', namedCurve: 'P-256' },
        true,
        ['sign'],
      );
      await subtle.exportKey('raw', keys.publicKey);
    },
  ],
  [
    'subtle: ECDH',
    async () => {
      const make = async () =>
        /** @type {any} */ (
          await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-384' }, true, ['deriveBits'])
        );
      const [a, b] = [await make(), await make()];
      const bits = await subtle.deriveBits(
        { name: 'ECDH', public: b.publicKey },
        a.privateKey,
        384,
      );
      expect(
        Buffer.from(bits).equals(
          Buffer.from(
            await subtle.deriveBits({ name: 'ECDH', public: a.publicKey }, b.privateKey, 384),
          ),
        ),
        'ECDH',
      );
    },
  ],
  [
    'subtle: RSA-OAEP',
    async () => {
      const keys = /** @type {any} */ (
        await subtle.generateKey(
          {
            name: 'RSA-OAEP',
            modulusLength: 1024,
            publicExponent: new Uint8Array([1, 0, 1]),
            hash: 'SHA-1',
          },
          true,
          ['encrypt', 'decrypt'],
        )
      );
      const sealed = await subtle.encrypt({ name: 'RSA-OAEP' }, keys.publicKey, message);
      expect(
        Buffer.from(await subtle.decrypt({ name: 'RSA-OAEP' }, keys.privateKey, sealed)).equals(
          message,
        ),
        'RSA-OAEP',
      );
    },
  ],
  .../** @type {const} */ (['P-256', 'RSA', 'Ed25519']).flatMap((type) =>
    /** @type {const} */ (['TLSv1.2', 'TLSv1.3']).map(
      (version) =>
        /** @type {[string, () => unknown]} */ ([
          `${version} with ${type}`,
          () => handshake(identities[type], version),
        ]),
    ),
  ),
];

/** What failed of a hundred of them. @returns {Promise<string[]>} */
export async function ordinaryFailures(count = 100) {
  const failures = [];
  for (let i = 0; i < count; i++) {
    const [name, run] = /** @type {[string, () => unknown]} */ (OPERATIONS[i % OPERATIONS.length]);
    try {
      await run();
    } catch (error) {
      failures.push(`${name}: ${/** @type {Error} */ (error).message}`);
    }
  }
  return failures;
}
