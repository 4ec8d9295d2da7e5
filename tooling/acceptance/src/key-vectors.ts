/** Published answers about keys, each with its source. All of it is public; hexadecimal throughout. */

/** RFC 8032, section 7.1: seed, public key, message, signature. */
export const ED25519 = [
  {
    name: 'RFC 8032, test 1',
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'RFC 8032, test 2',
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'RFC 8032, test 3',
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
] as const;

/** RFC 6979, sections A.2.5 to A.2.7, and twice the generator of SEC 2: scalar and public point. */
export const POINTS = [
  {
    type: 'P-256',
    scalar: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    x: '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6',
    y: '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  },
  {
    type: 'P-384',
    scalar:
      '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    x: 'ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13',
    y: '8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
  },
  {
    type: 'P-521',
    scalar:
      '00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538',
    x: '01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4',
    y: '00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5',
  },
  {
    type: 'secp256k1',
    scalar: '0000000000000000000000000000000000000000000000000000000000000002',
    x: 'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
    y: '1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a',
  },
] as const;

/** What two agree on. */
export const AGREED = [
  {
    name: 'RFC 7748, section 5.2, vector 1',
    algorithm: 'X25519',
    key: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    peer: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    secret: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  },
  {
    name: 'RFC 7748, section 5.2, vector 2, whose peer has its highest bit set',
    algorithm: 'X25519',
    key: '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    peer: 'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    secret: '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  },
  {
    name: 'RFC 7748, section 6.1',
    algorithm: 'X25519',
    key: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    peer: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    secret: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
  {
    name: 'RFC 5903, section 8.1',
    algorithm: 'ECDH-P-256',
    key: 'c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433',
    peer: '04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab',
    secret: 'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de',
  },
  {
    name: 'Wycheproof ecdh_secp256r1_ecpoint_test, 2: a compressed point',
    algorithm: 'ECDH-P-256',
    key: '0612465c89a023ab17855b0a6bcebfd3febb53aef84138647b5352e02c10c346',
    peer: '0362d5bd3372af75fe85a040715d0f502428e07046868b0bfdfa61d731afe44f26',
    secret: '53020d908b0219328b658b525f26780e3ae12bcd952bb25a93bc0895e1714285',
  },
  {
    name: 'Wycheproof ecdh_secp256r1_ecpoint_test, 3: x is zero, which a curve may give',
    algorithm: 'ECDH-P-256',
    key: '0a0d622a47e48f6bc1038ace438c6f528aa00ad2bd1da5f13ee46bf5f633d71a',
    peer: '0458fd4168a87795603e2b04390285bdca6e57de6027fe211dd9d25e2212d29e62080d36bd224d7405509295eed02a17150e03b314f96da37445b0d1d29377d12c',
    secret: '0000000000000000000000000000000000000000000000000000000000000000',
  },
  {
    name: 'Wycheproof ecdh_secp256r1_ecpoint_test, 6: x is 2^32',
    algorithm: 'ECDH-P-256',
    key: '0a0d622a47e48f6bc1038ace438c6f528aa00ad2bd1da5f13ee46bf5f633d71a',
    peer: '0408d6148d0244d243b3d0d1777de6375fa7ebeab477f19915d05994db04df219727737d4f8ce0a7f390becce92b2bcd5c054f18ecb58e5dd59baf88b4ed6abea8',
    secret: '0000000000000000000000000000000000000000000000000000000100000000',
  },
] as const;

/** Points of small order of Curve25519, and other ways to write them: each gives a secret of zeros (RFC 7748, section 6.1). */
export const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
] as const;

/** What is no point of P-256, as somebody may send it. */
export const NO_POINTS = [
  ['nothing', ''],
  ['the point at infinity', '00'],
  [
    'a point beside the curve',
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d446229a',
  ],
  [
    'an x that no point has, compressed',
    '02ffffffff00000001000000000000000000000000fffffffffffffffffffffffe',
  ],
  ['coordinates that are not below the prime', `04${'ff'.repeat(64)}`],
  [
    'a point whose form and y do not agree',
    '0660fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  ],
  ['a point of secp256k1', `04${POINTS[3].x}${POINTS[3].y}`],
  ['bytes behind a point', `04${POINTS[0].x}${POINTS[0].y}00`],
] as const;

/** RFC 7914, sections 12 and 11. */
export const SCRYPT = {
  name: 'RFC 7914, section 12, vector 2',
  password: 'password',
  salt: 'NaCl',
  cost: 1024,
  blockSize: 8,
  parallelization: 16,
  derived:
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
} as const;

export const PBKDF2 = {
  name: 'RFC 7914, section 11, vector 1',
  password: 'passwd',
  salt: 'salt',
  iterations: 1,
  derived:
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
} as const;

/** The test of the reference implementation: `hashtest(version, 2, 16, 1, "password", "somesalt")` of argon2id. */
export const ARGON2 = {
  name: 'the reference implementation, argon2id, version 1.3',
  password: 'password',
  salt: 'somesalt',
  passes: 2,
  memory: 65_536,
  parallelism: 1,
  derived: '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
} as const;
