import { DerReader, TAG } from './der.js';
import type { FoundKey, Span } from './found-key.js';
import { type EncryptedKey, readEncrypted } from './pbes2.js';
import { readPkcs8 } from './pkcs8.js';
import { readRsa } from './rsa-der.js';
import { readSec1 } from './sec1.js';

/** Structures that a private key may be in. */
export type PlainForm = 'pkcs8' | 'sec1' | 'pkcs1';
export type DerForm = PlainForm | 'encrypted';

/** Reads all of `der` as a private key of this form. */
export function readDer(bytes: Uint8Array, der: Span, form: DerForm): FoundKey | EncryptedKey {
  return form === 'encrypted' ? readEncrypted(bytes, der) : readPlain(bytes, der, form);
}

/** The same of a form that is not encrypted. */
export function readPlain(bytes: Uint8Array, der: Span, form: PlainForm): FoundKey {
  if (form === 'sec1') return readSec1(bytes, der);
  return form === 'pkcs1' ? readRsa(bytes, der) : readPkcs8(bytes, der);
}

/** Which of them it is, by the tags of its first two values. What is none of them is read as PKCS#8, which says what it lacks. */
export function derFormOf(bytes: Uint8Array, der: Span): DerForm {
  const key = new DerReader(bytes, der).enter(TAG.sequence, 'a private key in DER');
  const first = key.next;
  if (first === TAG.sequence) key.take(TAG.sequence, 'the encryption');
  else key.integer('the version of the key');
  const second = key.next;
  if (first === TAG.sequence) return second === TAG.octetString ? 'encrypted' : 'pkcs8';
  if (second === TAG.octetString) return 'sec1';
  return second === TAG.integer ? 'pkcs1' : 'pkcs8';
}
