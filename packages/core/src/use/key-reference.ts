import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isKeyType, KEY_TYPES, type KeyType } from '../contract/keys.js';
import { ownOptions } from '../contract/own-properties.js';
import { keyReferenceOf, notSupported } from '../keys/key-reference.js';
import { keyTypeIn, requireSecret, type Secret } from '../secret/secret.js';

/** What `toPrivateKey()` takes. */
export interface KeyReferenceOptions {
  /** What key it is. Needed where the secret did not come from a key file (`fromPem` and its kin), or was written to since. */
  readonly type?: KeyType;
}

/** What `toTlsKey()` takes. */
export interface TlsKeyOptions extends KeyReferenceOptions {
  /**
   * The reference is given to `tls`, `https` and `http2` alone. Needed on runtimes where other uses can end the process (Node 20 and 22);
   * see the page on keys for the calls. Default: false.
   */
  readonly tlsOnly?: boolean;
}

/**
 * Experimental. A private key for TLS that is only a name for it: a string in PEM for the option `key` of `tls`, `https` and `http2`,
 * for servers and clients, in every thread of this process. The key is used where it lies, and in no other place. The same secret gives
 * the same string while it is not written to.
 *
 * The secret moves to a region of its own, one page or more of the lock limit, where it is not in one. The name ends with the
 * secret (`dispose`, `purge`, `close`) and with whatever writes to it or resizes it: no handshake begins with it then, and those of other
 * threads that are signing are waited for, each for one signature at most. Whoever has the string can sign with the key in this process, and
 * nowhere else.
 *
 * Throws `ERR_SECMEM_NOT_SUPPORTED` where the backend has no references, or where the runtime needs `tlsOnly`; `ERR_SECMEM_IN_USE`
 * with an access open; `ERR_SECMEM_KEY_INVALID` for bytes that are no such key; a capacity error; `RangeError` for a key of another length. Nothing
 * has changed then, but that the secret may have moved.
 */
export function toTlsKey(key: Secret, options?: TlsKeyOptions): string {
  requireSecret(key, 'key');
  const { type, tlsOnly = false } = ownOptions(options, ['type', 'tlsOnly'], 'options');
  if (typeof tlsOnly !== 'boolean') throw new TypeError('tlsOnly must be true or false');
  const known = typeFor(key, type);
  if (!tlsOnly && !takesReferences()) throw onlyForTls('toTlsKey', 'tlsOnly: true says so.');
  return keyReferenceOf(known, key, 'toTlsKey').pem;
}

/**
 * Experimental. The same as a `KeyObject` of `node:crypto`: for `sign`, `diffieHellman`, WebCrypto by `toCryptoKey`, and libraries that take
 * one, in every thread that it is posted to. Its private part cannot be exported.
 *
 * Throws as `toTlsKey` does, and `ERR_SECMEM_NOT_SUPPORTED` on runtimes whose `KeyObject` cannot be of a provider (Node 20 and 22).
 */
export function toPrivateKey(key: Secret, options?: KeyReferenceOptions): KeyObject {
  requireSecret(key, 'key');
  const known = typeFor(key, ownOptions(options, ['type'], 'options').type);
  if (!takesReferences()) throw onlyForTls('toPrivateKey', 'toTlsKey() with tlsOnly: true works.');
  return createPrivateKey(keyReferenceOf(known, key, 'toPrivateKey').pem);
}

function typeFor(key: Secret, given: unknown): KeyType {
  const type = given ?? keyTypeIn(key);
  if (isKeyType(type)) return type;
  const names = Object.keys(KEY_TYPES).join(', ');
  throw new TypeError(
    given === undefined
      ? `type is needed for a secret that no key file said the type of: one of ${names}`
      : `type must be one of ${names}`,
  );
}

function onlyForTls(operation: string, remedy: string): Error {
  const message = 'on this runtime a reference of a key is safe in TLS alone';
  return notSupported(operation, message, remedy);
}

let takes: boolean | undefined;

/**
 * Whether a `KeyObject` may be of a provider here, by whether one may come from a URL, which is how Node lets them in. Others take what
 * they have of the key for granted and end the process. The path is longer than any file system has.
 */
function takesReferences(): boolean {
  takes ??= takesUrl(new URL(`securemem:${'x'.repeat(5000)}`));
  return takes;
}

function takesUrl(url: URL): boolean {
  try {
    createPrivateKey(url as never);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException)?.code !== 'ERR_INVALID_ARG_TYPE';
  }
}
