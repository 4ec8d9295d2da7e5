import type { KeyObject } from 'node:crypto';
import { isBytes } from '../../common/bytes.js';
import { within } from '../../common/within.js';
import type { KeyType } from '../../contract/keys.js';
import { zero } from '../../contract/zero.js';
import { pairEd25519, publicKeyBytes } from '../../keys/private-key.js';
import { saidBy } from '../../lifetime/input-invalid.js';
import type { Ownership } from '../../lifetime/ownership.js';
import { ALLOCATE_NAMES, type AllocateOptions, requestOf } from '../../lifetime/request.js';
import { integer } from '../../options.js';
import { type Secret, setKeyType, withBytes } from '../../secret/secret.js';
import { OCTET_BYTE_LENGTH } from './curves.js';
import {
  type FoundCurveKey,
  type FoundKey,
  type FoundRsaKey,
  lengthOf,
  type Span,
} from './found-key.js';
import { keyRefused } from './key-refused.js';
import type { EncryptedKey } from './pbes2.js';
import { decryptInPlace, deriveCipherKey } from './pbes2-decrypt.js';
import { readPlain } from './private-key-der.js';
import { claimed, curveKeyObject, isOf, rsaKeyObject } from './public-key.js';
import { checkRsa, RSA_ROOM_BYTE_LENGTH } from './rsa-check.js';
import { writeRsa } from './rsa-layout.js';
import { type KeySource, openWorkbench, type Workbench } from './workbench.js';

/** A private key out of a file. */
export interface ImportedKey {
  readonly type: KeyType;
  /**
   * The private part alone, as `sign` and its kin take it: the seed of Ed25519 and the public key that belongs to it (64 bytes), the
   * 32 bytes of X25519, the number of an EC key, big-endian and as wide as its curve, RSAPrivateKey of PKCS#1 in DER.
   */
  readonly secret: Secret;
  /** Calculated from the private part. A key of the file was compared with it. No secret. */
  readonly publicKey: KeyObject;
}

export interface KeyFileOptions extends AllocateOptions {
  /** Longest file that is read, in bytes, 1 to 2^20. Default 65,536. */
  readonly byteLengthMax?: number;
}

/** The names in `KeyFileOptions`. */
export const KEY_FILE_NAMES = [...ALLOCATE_NAMES, 'byteLengthMax'] as const;

const BYTE_LENGTH_MAX_DEFAULT = 65_536;
const BYTE_LENGTH_MAX = 1_048_576;

/** Finds the key in all of `file`, whose bytes it may change. */
export type ReadKey = (bytes: Uint8Array, file: Span) => FoundKey | EncryptedKey;

/**
 * Puts a file on a bench, finds the key in it, and cuts the bench down to the private part; all else is wiped then. After a rejection
 * nothing of it is left, and a source of bytes is as it was.
 */
export async function importKey(
  owner: Ownership,
  operation: string,
  source: KeySource,
  own: KeyFileOptions & { readonly passphrase?: Secret },
  read: ReadKey,
): Promise<ImportedKey> {
  const byteLengthMax = integer(
    'byteLengthMax',
    own.byteLengthMax ?? BYTE_LENGTH_MAX_DEFAULT,
    1,
    BYTE_LENGTH_MAX,
  );
  const request = requestOf(own);
  const bench = await openWorkbench(owner, operation, source, { request, byteLengthMax });
  try {
    const said = withBytes(bench.secret, 'write', (bytes) => read(bytes, bench.file));
    const found = said.type === 'encrypted' ? await decrypt(bench.secret, said, own) : said;
    const key = found.type === 'RSA' ? keepRsa(bench, found) : keepCurveKey(bench, found);
    setKeyType(key.secret, key.type);
    if (isBytes(source)) zero(source);
    return key;
  } catch (error) {
    bench.secret.dispose();
    throw saidBy(operation, error);
  }
}

/** Decrypts on the bench, and finds what is inside, which is PKCS#8. */
async function decrypt(
  secret: Secret,
  encrypted: EncryptedKey,
  { passphrase, signal }: { readonly passphrase?: Secret; readonly signal?: AbortSignal },
): Promise<FoundKey> {
  if (passphrase === undefined) {
    const remedy = 'give its passphrase as a secret: options.passphrase';
    throw keyRefused('encrypted', 'the key is encrypted', { remedy });
  }
  const derive = deriveCipherKey(secret, encrypted, passphrase);
  const key = await within(derive, { signal }, zero);
  try {
    return withBytes(secret, 'write', (bytes) =>
      readPlain(bytes, decryptInPlace(bytes, encrypted, key), 'pkcs8'),
    );
  } finally {
    zero(key);
  }
}

function keepRsa(bench: Workbench, { numbers, der }: FoundRsaKey): ImportedKey {
  const { secret, room } = bench;
  const { kept, publicKey } = withBytes(secret, 'write', (bytes) => {
    const whole = checkRsa(bytes, numbers, room);
    return {
      publicKey: rsaKeyObject(bytes, numbers),
      kept: der ?? writeRsa(bytes, whole, room.start + RSA_ROOM_BYTE_LENGTH),
    };
  });
  keep(secret, kept);
  return { type: 'RSA', secret, publicKey };
}

function keepCurveKey({ secret }: Workbench, { type, scalar, claims }: FoundCurveKey): ImportedKey {
  const said = withBytes(secret, 'read', (bytes) => claims.map((claim) => claimed(bytes, claim)));
  try {
    keep(secret, scalar);
    const own = publicKeyOf(secret, type);
    if (said.every((claim) => isOf(claim, own))) {
      return { type, secret, publicKey: curveKeyObject(type, own) };
    }
    throw keyRefused('mismatch', 'the public key in the file is of another key');
  } finally {
    for (const { bytes } of said) zero(bytes);
  }
}

/** The public key, calculated where the private one lies; of Ed25519 it stays behind it, so that no signature calculates it again. */
function publicKeyOf(secret: Secret, type: FoundCurveKey['type']): Uint8Array {
  if (type !== 'Ed25519') return publicKeyBytes(type, secret);
  secret.resize(2 * OCTET_BYTE_LENGTH);
  return pairEd25519(secret);
}

/** Moves what is kept to the front and wipes the rest, then gives the rest back. */
function keep(secret: Secret, kept: Span): void {
  const byteLength = lengthOf(kept);
  withBytes(secret, 'write', (bytes) => {
    bytes.copyWithin(0, kept.start, kept.end);
    zero(bytes, byteLength);
  });
  secret.resize(byteLength);
}
