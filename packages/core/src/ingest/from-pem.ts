import { ownOptions } from '../contract/own-properties.js';
import type { Ownership } from '../lifetime/ownership.js';
import { requireSecret, type Secret } from '../secret/secret.js';
import type { FoundKey, Span } from './keys/found-key.js';
import {
  type ImportedKey,
  importKey,
  KEY_FILE_NAMES,
  type KeyFileOptions,
} from './keys/import-key.js';
import { keyRefused } from './keys/key-refused.js';
import type { EncryptedKey } from './keys/pbes2.js';
import { assertBlank, decodePem } from './keys/pem-armor.js';
import { type DerForm, readDer, readPlain } from './keys/private-key-der.js';
import { readCurve } from './keys/sec1.js';
import type { KeySource } from './keys/workbench.js';

/** What `fromPem` and `fromDer` take. */
export interface EncryptedKeyOptions extends KeyFileOptions {
  /** Of an encrypted file. It is left as it is, and not looked at where the file is not encrypted. */
  readonly passphrase?: Secret;
}

/** The options as their caller wrote them. Throws `TypeError` where the passphrase is no secret. */
export function encryptedKeyOptions(options: EncryptedKeyOptions | undefined): EncryptedKeyOptions {
  const own = ownOptions(options, [...KEY_FILE_NAMES, 'passphrase'], 'options');
  if (own.passphrase !== undefined) requireSecret(own.passphrase, 'passphrase');
  return own;
}

const FORMS = {
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'encrypted',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
} as const satisfies Record<string, DerForm>;
type Label = keyof typeof FORMS;

const LABELS = Object.keys(FORMS) as Label[];
const PARAMETERS = 'EC PARAMETERS';
const OPENSSH = 'OPENSSH PRIVATE KEY';

/** See `Allocations.fromPem`. */
export async function fromPem(
  owner: Ownership,
  source: KeySource,
  options?: EncryptedKeyOptions,
): Promise<ImportedKey> {
  const own = encryptedKeyOptions(options);
  return importKey(owner, 'fromPem', source, own, readPem);
}

function readPem(bytes: Uint8Array, file: Span): FoundKey | EncryptedKey {
  const first = decodePem(bytes, file, [...LABELS, PARAMETERS, OPENSSH]);
  const { label, content, rest } = first;
  if (label === OPENSSH) {
    throw keyRefused('unsupported', 'this is a key of OpenSSH', { remedy: 'fromOpenSsh takes it' });
  }
  if (label === PARAMETERS) return readBehindParameters(bytes, content, rest);
  assertBlank(bytes, rest);
  return readDer(bytes, content, FORMS[label]);
}

/** `openssl ecparam -genkey` writes the name of the curve into a block of its own, and once more into the key. */
function readBehindParameters(bytes: Uint8Array, parameters: Span, text: Span): FoundKey {
  const curve = readCurve(bytes, parameters);
  const { content, rest } = decodePem(bytes, text, ['EC PRIVATE KEY']);
  assertBlank(bytes, rest);
  const key = readPlain(bytes, content, 'sec1');
  if (key.type === curve) return key;
  throw keyRefused('mismatch', 'the parameters are of another curve than the key');
}
