import { zero } from '../../contract/zero.js';
import { checkScalar, OCTET_BYTE_LENGTH, pointClaim, widthOf } from './curves.js';
import { type FoundKey, lengthOf, type ScalarCurve, type Span } from './found-key.js';
import { keyRefused } from './key-refused.js';
import { isEqual } from './modular.js';
import { SshReader } from './ssh-reader.js';

/** `PROTOCOL.key` of OpenSSH. */
const MAGIC = [...'openssh-key-v1'].map((letter) => letter.charCodeAt(0)).concat(0);
/** Of a file that is not encrypted, too. */
const BLOCK_BYTE_LENGTH = 8;
const CURVES: readonly (readonly [string, ScalarCurve])[] = [
  ['nistp256', 'P-256'],
  ['nistp384', 'P-384'],
  ['nistp521', 'P-521'],
];

/** The key of an OpenSSH file, of which all of `span` is the decoded block. Its public key must be that of the private one. */
export function readOpenSsh(bytes: Uint8Array, span: Span): FoundKey {
  const file = new SshReader(bytes, span);
  file.magic(MAGIC);
  const cipher = file.string('the cipher');
  const derivation = file.string('the key derivation');
  const options = file.string('the options of the key derivation');
  if (!file.is(cipher, 'none') || !file.is(derivation, 'none')) {
    throw keyRefused('unsupported', 'the file is encrypted, and its bcrypt is not done here', {
      remedy: 'write a copy as encrypted PKCS#8 and give it to fromPem: ssh-keygen -p -m PKCS8',
    });
  }
  if (lengthOf(options) !== 0) throw file.refused('a file that is not encrypted has options');
  if (file.number('the number of keys') !== 1) {
    throw keyRefused('unsupported', 'the file has not one key');
  }
  const publicKey = file.inside('the public key');
  const section = file.string('the private section');
  file.end('the private section');
  if (lengthOf(section) % BLOCK_BYTE_LENGTH !== 0) {
    throw file.refused('the private section is no whole number of blocks', section.start);
  }
  const key = new SshReader(bytes, section);
  if (key.number('the first check') !== key.number('the second check')) {
    throw file.refused('the two checks differ', section.start);
  }
  const found = readKey(bytes, key, publicKey, span.start);
  key.string('the comment');
  key.padding(BLOCK_BYTE_LENGTH);
  return found;
}

/** The key itself and, in step with it, what the public key in front says. `front` is where nothing will be read any more. */
function readKey(bytes: Uint8Array, key: SshReader, outside: SshReader, front: number): FoundKey {
  const type = key.string('the type of the key');
  outside.same(type, 'the type of the key');
  if (key.is(type, 'ssh-ed25519')) return readEd25519(key, outside);
  if (key.is(type, 'ssh-rsa')) return readRsa(bytes, key, outside);
  const curve = CURVES.find(([name]) => key.is(type, `ecdsa-sha2-${name}`));
  if (curve !== undefined) return readEcdsa(bytes, key, outside, { curve, front });
  throw keyRefused('unsupported', 'the key is none of Ed25519, ECDSA and RSA', {
    byteOffset: type.start,
  });
}

/** The private part is the seed and once more the public key. */
function readEd25519(key: SshReader, outside: SshReader): FoundKey {
  const raw = key.string('the public key');
  const pair = key.string('the private key');
  outside.same(raw, 'the public key');
  outside.end('the public key');
  if (lengthOf(raw) !== OCTET_BYTE_LENGTH || lengthOf(pair) !== 2 * OCTET_BYTE_LENGTH) {
    throw key.refused('a key of this curve has 32 bytes', raw.start);
  }
  const middle = pair.start + OCTET_BYTE_LENGTH;
  const scalar = { start: pair.start, end: middle };
  const claims = [{ raw }, { raw: { start: middle, end: pair.end } }];
  return { type: 'Ed25519', scalar, claims };
}

interface EcdsaKind {
  readonly curve: readonly [string, ScalarCurve];
  readonly front: number;
}

/** The private part has no leading zeros, so it is put where there is room for them. */
function readEcdsa(
  bytes: Uint8Array,
  key: SshReader,
  outside: SshReader,
  { curve: [name, type], front }: EcdsaKind,
): FoundKey {
  const curve = key.string('the curve');
  if (!key.is(curve, name)) throw key.refused('the key names two curves', curve.start);
  const point = key.string('the public key');
  outside.same(curve, 'the curve');
  outside.same(point, 'the public key');
  outside.end('the public key');
  const claims = [pointClaim(bytes, type, point)];
  const number = key.positive('the private key');
  const scalar = { start: front, end: front + widthOf(type) };
  if (lengthOf(number) > lengthOf(scalar))
    throw key.refused('the private key is too long', number.start);
  zero(bytes, scalar.start, scalar.end);
  bytes.copyWithin(scalar.end - lengthOf(number), number.start, number.end);
  checkScalar(bytes, type, scalar);
  return { type, scalar, claims };
}

function readRsa(bytes: Uint8Array, key: SshReader, outside: SshReader): FoundKey {
  const n = key.positive('the modulus');
  const e = key.positive('the public exponent');
  const d = key.positive('the private exponent');
  const qi = key.positive('the coefficient');
  const p = key.positive('the first prime');
  const q = key.positive('the second prime');
  for (const [number, what] of [
    [e, 'the public exponent'],
    [n, 'the modulus'],
  ] as const) {
    if (isEqual(bytes, outside.positive(what), number)) continue;
    throw keyRefused('mismatch', 'the public key is of another key', { byteOffset: number.start });
  }
  outside.end('the public key');
  return { type: 'RSA', numbers: { n, e, d, p, q, qi, crt: undefined }, der: undefined };
}
