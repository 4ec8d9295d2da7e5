import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyType } from '@securemem/core/contract';

/** A private key whose public key is known, and what it agrees on with another one. All of it is public. */
export interface KnownKey {
  readonly privateKey: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly peer: Uint8Array<ArrayBuffer>;
  readonly secret: Uint8Array<ArrayBuffer>;
}

const SPKI: Readonly<Record<string, string>> = {
  Ed25519: '302a300506032b6570032100',
  X25519: '302a300506032b656e032100',
  'P-256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'P-384': '3076301006072a8648ce3d020106052b81040022036200',
  'P-521': '30819b301006072a8648ce3d020106052b8104002303818600',
  secp256k1: '3056301006072a8648ce3d020106052b8104000a034200',
};

/**
 * Ed25519: RFC 8032, section 7.1, test 2. X25519: RFC 7748, section 6.1, Bob with Alice. P-256, P-384, P-521: the keys of RFC 6979, sections
 * A.2.5 to A.2.7, each with itself. secp256k1: three times the generator, with twice the generator. RSA: made for this file.
 */
const HEX = {
  Ed25519: {
    privateKey: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  },
  X25519: {
    privateKey: '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    publicKey: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    peer: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    secret: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
  'P-256': {
    privateKey: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    publicKey:
      '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb' +
      '67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    secret: '2388ee990c93c4bb757203225b7786d69950d2f0de43cdf23dc71f5efaa169c8',
  },
  'P-384': {
    privateKey:
      '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    publicKey:
      '04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc1' +
      '38015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
    secret:
      '905b8f97a03235c5cb1752a7984727c2e978287ee1afbaafa89e5ca1d4c601702c1c5f5ed8f12ec243da8281f12932a8',
  },
  'P-521': {
    privateKey:
      '00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75ca' +
      'a896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538',
    publicKey:
      '0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a' +
      '7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a400493101c962cd4d2fddf782285e64584139c2f91b47' +
      'f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5',
    secret:
      '01901b89b20bd70e5683bd9cf00422f38c75237eeb357d78eeb091eff0aba905f8' +
      '121159aba8b5be730c4b65b93dc7357c9f29de67e319c4adb1fc2fdd1bd8444063',
  },
  secp256k1: {
    privateKey: '0000000000000000000000000000000000000000000000000000000000000003',
    publicKey:
      '04f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f' +
      '9388f7b0f632de8140fe337e62a37f3566500a99934c2231b6cb9fd7584b8e672',
    peer:
      '04c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee' +
      '51ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
    secret: 'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556',
  },
} as const;

const RSA = {
  privateKey:
    'MIIEpQIBAAKCAQEArgdVF04pPWQHkBuChk+JtgQdvryTAAwilbBx9hkFTn1/SU5ut6JC7GNhHs3RQzTG2PRsHeaHmT82EngdND1G' +
    'K3An5Y1doQcZoSKjYTtbDRABZHwtvikA37JOwC4NykYJXJDlq75NpM/DAAjtw+I30LJ8ahzcz/wwJq5ltVtILDRTsbtRCCYBzzWf' +
    'PzDDv61yCb2tC+EkkQU8SaXVCCOoeTGqhrd9Z2dno22EbZnjUjPjS5LrpBMbFC8gD9Rs9Vn+RrBjRBoiIWVWnaxZp6sRZh23nC1I' +
    'u5r0xCNGGgCeQnOnP5KMWJNXdBdFIlFHr/QDK+NQTh5F/OL5m6bkM17DJQIDAQABAoIBABw6KD0dembwwKFJNQSgBhA13rU/VQCe' +
    '90UcV3+5UzkF9g1n4WF7uispe2lJrPWfq9ko3BiFed0LebPJM8NzZNxK1s3O/i7OPgP64FE3FW+q9u7bjXfYosGl5EwbrDTw4zfW' +
    'cMpIlcNzx4dL63ToTnFVYgS8Jby+hPjhNLIT2kMA/N0Vj5r23xG4aBC/7oUaHugQMrbVmBZNrpQHZwGhJUJC5QDwZCoaxnAL7aBC' +
    '0DrnfFm1rVPr2LyL2tYGTAdWkjXK4DagNYG4nr4tMlv+ebgKoKiaG0LuLTIM7Y3+kbFNmvJfqkCwws9ZuECAq7JmzlWQVE7Wi6rl' +
    'xCzdimZfwkECgYEA7NTpz6ZbuPrgUZPWkcWLxD5P/s0ti8pPzksoAJPpL/yje65GYCxmh1n+HmFuQStU1Udp/rI/mxfuk4oOKhDX' +
    'oqKXczedjBhhZ2GlSmWfOAijgGFN8yyUTxfqv+IrkcKdZ+S2gbk6YBP6DVWpdEjdNjwNwEW6fKrEmXTOpMbVeCkCgYEAvB0oSHxd' +
    't+7ilALq2qDE3Ra7mAQHSU40OnbC7Cy/PeIiBVSs6MQoBYwWZYNeoQCuz5CcKSlI3RR3FlPAVe1CylEU/OvFpmnG5cZcTLybiKzk' +
    '4rfLo0XgQZRHj7uP4/7FJIb25x2pUYnouiFO9JxxxH+8qgOZ0OVsL3DuIfLdwp0CgYEAvFmkTcG3ZskXB6n01t/uBTetdS6Gj4tp' +
    'pt48xSDdLo3VEvMKA0isje6zXEQOZIPqpuhx0t6+GUGSOwJru2bDqBN5MWfEw3tMU+TjiOSDGRQ9vEcmsEP++1xBFTPxhK3rc4oA' +
    '3/CJDYo1rs82wkWEsLJYGVcbNjS1wHmWMpPzh+kCgYEAj9X/mkU159FKAICmkRsCzEZ4lEjoRV39w4JRkwK4DBpfhxHy0FxEedFe' +
    'wqoLbjI2eFGLhlGh/CGM2U6ar1kmi8opsSaaT59rzP+6TZadmokQzmZY1/QzABHgEgAJivygQ0jLe3aLo+Q+Riv30kPZHbXKTXlJ' +
    'YJg7+55vBxhMBmUCgYEAigXOTM45hIblJeIeZxBxIOonW2mMvRE1n7x81CT0mIBo7CUXGChmpW31ZedJoDOyH1LcjHnqmOC+OVQz' +
    'ZqquSRrQTg/PQhFJqEkhj7Ml+FTR4fQLA4yhMIXfdNYwf9A+1nI2RsVo/Tt6/dCzSThwvIhV5xzK3Vud1FLqIGbEAZg=',
  publicKey:
    'MIIBCgKCAQEArgdVF04pPWQHkBuChk+JtgQdvryTAAwilbBx9hkFTn1/SU5ut6JC7GNhHs3RQzTG2PRsHeaHmT82En' +
    'gdND1GK3An5Y1doQcZoSKjYTtbDRABZHwtvikA37JOwC4NykYJXJDlq75NpM/DAAjtw+I30LJ8ahzcz/wwJq5ltVtI' +
    'LDRTsbtRCCYBzzWfPzDDv61yCb2tC+EkkQU8SaXVCCOoeTGqhrd9Z2dno22EbZnjUjPjS5LrpBMbFC8gD9Rs9Vn+Rr' +
    'BjRBoiIWVWnaxZp6sRZh23nC1Iu5r0xCNGGgCeQnOnP5KMWJNXdBdFIlFHr/QDK+NQTh5F/OL5m6bkM17DJQIDAQAB',
} as const;

/** The known key of a family. */
export function knownKey(type: KeyType): KnownKey {
  const known: Partial<Record<keyof KnownKey, string>> = type === 'RSA' ? RSA : HEX[type];
  const encoding = type === 'RSA' ? 'base64' : 'hex';
  const bytes = (name: keyof KnownKey) => ordinary(Buffer.from(known[name] ?? '', encoding));
  return {
    privateKey: bytes('privateKey'),
    publicKey: bytes('publicKey'),
    peer: bytes(known.peer === undefined ? 'publicKey' : 'peer'),
    secret: bytes('secret'),
  };
}

/** A public key as the contract has it, for node:crypto. */
export function keyObjectOf(type: KeyType, publicKey: Uint8Array): KeyObject {
  if (type === 'RSA') {
    return createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'pkcs1' });
  }
  const key = Buffer.concat([Buffer.from(SPKI[type] as string, 'hex'), publicKey]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

function ordinary(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(new ArrayBuffer(bytes.length));
  own.set(bytes);
  return own;
}
