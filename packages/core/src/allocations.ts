import { markKind, notA } from './common/handle-kind.js';
import { makeHandles } from './common/redaction.js';
import { SecureMemoryError } from './contract/errors.js';
import { checkSource, moveIn } from './ingest/adopted.js';
import { fillRandomly } from './ingest/filled.js';
import { fromCredentials } from './ingest/from-credentials.js';
import { fromDer } from './ingest/from-der.js';
import { fromEnvironment } from './ingest/from-environment.js';
import { fromFd, fromFile, type IngestOptions } from './ingest/from-file.js';
import { fromJson, type JsonOptions, type JsonSource } from './ingest/from-json.js';
import { fromJwk, type JwkOptions } from './ingest/from-jwk.js';
import { fromOpenSsh } from './ingest/from-open-ssh.js';
import { type EncryptedKeyOptions, fromPem } from './ingest/from-pem.js';
import { fromTerminal, type TerminalOptions } from './ingest/from-terminal.js';
import { type Base64Options, type EncodedText, fromBase64, fromHex } from './ingest/from-text.js';
import type { ImportedKey, KeyFileOptions } from './ingest/keys/import-key.js';
import type { KeySource } from './ingest/keys/workbench.js';
import type { Ownership } from './lifetime/ownership.js';
import {
  type AllocateOptions,
  type AllocateSyncOptions,
  checkByteLength,
  checkByteLengths,
  checkOnCapacity,
  checkRequest,
} from './lifetime/request.js';
import type { SecretFor } from './lifetime/secret-for.js';
import {
  keyOf,
  openableByteLength,
  requireSealed,
  type SealedSecret,
  unsealInto,
} from './sealing/sealed-secret.js';
import { placeOf, type Secret } from './secret/secret.js';

/** What the rest of core may know of an allocator or a phase. */
export let ownershipOf: (allocations: Allocations) => Ownership;
/** Throws `TypeError` for what is neither an allocator nor a phase of this copy of the package. */
export let requireAllocations: (value: unknown, name: string) => void;

/**
 * Everything that makes a secret. The allocator and every phase share it: what is allocated through a phase belongs to
 * that phase and ends with it.
 *
 * Lengths are bytes, 1 to 2^30; anything else is a `TypeError` or `RangeError` before anything changes. All calls throw or
 * reject with `ERR_SECMEM_CLOSED` after the end of the phase or the allocator. The calls that wait reject with the
 * signal's reason when aborted, `ERR_SECMEM_WAIT_TIMEOUT` when it took too long, `ERR_SECMEM_QUEUE_FULL` when too many
 * wait already, and `ERR_SECMEM_TOO_LARGE` at once for what can never fit.
 */
export abstract class Allocations {
  /** Its name, so that nothing of it is logged by mistake. */
  readonly toJSON = (): string => `[${this.constructor.name}]`;
  readonly #ownership: Ownership;

  /** @internal */
  constructor(ownership: Ownership) {
    this.#ownership = ownership;
  }

  static {
    makeHandles(Allocations.prototype, 'an allocator or phase');
    markKind(Allocations.prototype, 'an allocator or a phase');
    ownershipOf = (allocations) => allocations.#ownership;
    requireAllocations = (value, name) => {
      if (typeof value === 'object' && value !== null && #ownership in value) return;
      throw notA('an allocator or a phase', name, value);
    };
  }

  /** A secret of `byteLength` zero bytes, when there is a place for it. */
  async allocate(byteLength: number, options?: AllocateOptions): Promise<Secret> {
    return this.#ownership.allocate(checkByteLength(byteLength), checkRequest(options));
  }

  /** The same at once, or a capacity error. */
  allocateSync(byteLength: number, options?: AllocateSyncOptions): Secret {
    const onCapacity = options === undefined ? undefined : checkOnCapacity(options);
    return this.#ownership.allocateSync(checkByteLength(byteLength), onCapacity);
  }

  /**
   * Several secrets in one admission, every one or none: how a request that needs a set avoids waiting for its second
   * while it holds its first.
   */
  async allocateAll<const ByteLengths extends readonly number[]>(
    byteLengths: ByteLengths,
    options?: AllocateOptions,
  ): Promise<SecretFor<ByteLengths>> {
    const checked = checkByteLengths(byteLengths);
    const secrets = await this.#ownership.allocateAll(checked, checkRequest(options));
    return secrets as SecretFor<ByteLengths>;
  }

  /** The same at once, or a capacity error with nothing taken. */
  allocateAllSync<const ByteLengths extends readonly number[]>(
    byteLengths: ByteLengths,
    options?: AllocateSyncOptions,
  ): SecretFor<ByteLengths> {
    const checked = checkByteLengths(byteLengths);
    const secrets = this.#ownership.allocateAllSync(checked, checkOnCapacity(options));
    return secrets as SecretFor<ByteLengths>;
  }

  /**
   * Moves bytes in: copies them when there is a place and zeroes `source`. After a throw or rejection the source is as it
   * was, and is still yours to wipe. It must not change while the call waits. Bytes in a typed array of 64 bytes or less
   * that was made directly (`new Uint8Array(32)`) lie on V8's moving heap, which keeps copies nobody can wipe: make such
   * sources with `new Uint8Array(new ArrayBuffer(32))`.
   */
  async adopt(source: Uint8Array, options?: AllocateOptions): Promise<Secret> {
    const byteLength = checkSource(source);
    return moveIn(await this.#ownership.allocate(byteLength, checkRequest(options)), source);
  }

  /** The same at once, or a capacity error and the source untouched. */
  adoptSync(source: Uint8Array, options?: AllocateSyncOptions): Secret {
    return moveIn(this.allocateSync(checkSource(source), options), source);
  }

  /** A secret filled by the system's random generator, straight into the page. */
  async random(byteLength: number, options?: AllocateOptions): Promise<Secret> {
    return fillRandomly(await this.allocate(byteLength, options));
  }

  /** The same at once, or a capacity error. */
  randomSync(byteLength: number, options?: AllocateSyncOptions): Secret {
    return fillRandomly(this.allocateSync(byteLength, options));
  }

  /**
   * The secret inside `sealed`, decrypted into a place of its own when there is one. The sealed secret stays as it is.
   * Rejects with `ERR_SECMEM_UNSEAL_FAILED` when its bytes were changed or everything was purged since, with
   * `ERR_SECMEM_DISPOSED` when it is gone; nothing is left allocated then.
   */
  async open(sealed: SealedSecret, options?: AllocateOptions): Promise<Secret> {
    const byteLength = openable(sealed, this.#ownership);
    return unseal(sealed, await this.#ownership.allocate(byteLength, checkRequest(options)));
  }

  /** The same at once, or a capacity error. */
  openSync(sealed: SealedSecret, options?: AllocateSyncOptions): Secret {
    const byteLength = openable(sealed, this.#ownership);
    return unseal(sealed, this.allocateSync(byteLength, options));
  }

  /**
   * What a file holds: a key file, a Docker or Kubernetes secret, a credential of systemd. Read from the system straight
   * into the page. A named pipe is waited for until somebody has written to it and closed it.
   *
   * Rejects with Node's own error when the file cannot be opened or read, and with `ERR_SECMEM_INPUT_INVALID` when it is
   * empty, longer than `byteLengthMax` or not exactly `byteLength` bytes; what was read is wiped then. `waitMsMax` bounds
   * each wait, for a place and for bytes.
   */
  fromFile(path: string | URL | Buffer, options?: IngestOptions): Promise<Secret> {
    return fromFile(this.#ownership, path, options);
  }

  /**
   * The same from an open descriptor, such as 0 for standard input, from where it stands to its end. It stays open.
   *
   * A socket, which is what Node gives a child for `stdio: 'pipe'`, occupies a thread of Node's pool while it is silent,
   * and `process.exit()` waits for that thread.
   */
  fromFd(fd: number, options?: IngestOptions): Promise<Secret> {
    return fromFd(this.#ownership, fd, options);
  }

  /**
   * One line that a person types at the terminal of this process, unseen. Backspace, Ctrl-U, Ctrl-C and Ctrl-D do what they
   * always do; the terminal is as it was when this settles, and on every way out of the process but SIGKILL.
   *
   * Rejects with `ERR_SECMEM_NOT_SUPPORTED` where there is no terminal (on Windows: always), `ERR_SECMEM_INPUT_INVALID` when
   * the answer is empty, too long or was interrupted, and `ERR_SECMEM_WAIT_TIMEOUT` when it did not come in time. Ctrl-C
   * also raises SIGINT, as it does without us. Nothing else may read the terminal meanwhile.
   */
  fromTerminal(options?: TerminalOptions): Promise<Secret> {
    return fromTerminal(this.#ownership, options);
  }

  /**
   * Decodes hexadecimal text, which is given as bytes. Bytes are zeroed once they are decoded; after a rejection they are as
   * they were, and a secret is left as it is in any case. `ERR_SECMEM_INPUT_INVALID` for what is not such text as a whole,
   * white space included; the error says nothing of the text.
   */
  fromHex(text: EncodedText, options?: AllocateOptions): Promise<Secret> {
    return fromHex(this.#ownership, text, options);
  }

  /** The same for base64, or base64url with `alphabet: 'base64url'`; with its padding or without. */
  fromBase64(text: EncodedText, options?: Base64Options): Promise<Secret> {
    return fromBase64(this.#ownership, text, options);
  }

  /**
   * A credential by its name, from the first of these files that is there: the one that the variable `<name>_FILE` names, which is
   * Docker's convention, `$CREDENTIALS_DIRECTORY/<name>` of systemd, `/run/secrets/<name>`. It looks at those two variables of the
   * environment and at no other; one that is empty counts as not set.
   *
   * Rejects with `ERR_SECMEM_INPUT_INVALID` (`details.reason` is `missing`, `details.paths` says where it looked) when there is none;
   * with Node's own error when the file that a variable names is not there, or when one cannot be read. Otherwise as `fromFile` does.
   */
  fromCredentials(name: string, options?: IngestOptions): Promise<Secret> {
    return fromCredentials(this.#ownership, name, options);
  }

  /**
   * As `fromCredentials`, and where no file has it the variable of that name: it is moved into the page, overwritten in this process's
   * environment, and unset. Call it before anything looks at the environment: what was read or listed already (dotenv, a child, a worker
   * thread) has copies that nobody can find, and the parent process keeps its own. The event `credential-found` says what is known to be left.
   * Also rejects with `ERR_SECMEM_NOT_SUPPORTED` when there is such a variable and it cannot be erased: on Windows, in a worker thread, in Bun,
   * in ordinary memory. A variable that is refused stays as it was, except one whose length is wrong only once its newline is trimmed.
   */
  fromEnvironment(name: string, options?: IngestOptions): Promise<Secret> {
    return fromEnvironment(this.#ownership, name, options);
  }

  /**
   * One string out of a document of JSON: a reply of Vault, a file of credentials. `pointer` says which (RFC 6901), such as
   * `'/data/data/password'`. A file or a descriptor (a number) is read straight into a page, where the string stays and the rest
   * is wiped; a secret is left as it is. No string of JavaScript is made of the document, but the time that this takes
   * depends on what is in it.
   *
   * Rejects with `ERR_SECMEM_INPUT_INVALID` and wipes what it read; the error has `details.reason` and `details.byteOffset`, and
   * nothing of the content:
   *
   * - `syntax`: `JSON.parse` would refuse it too, a byte order mark included; the whole document counts.
   * - `encoding`: it is not UTF-8, or the string has half of a surrogate pair, which no UTF-8 has.
   * - `depth`: it is nested more than 128 levels deep.
   * - `duplicate`: an object on the way has the name twice. Other objects may.
   * - `missing`, `type`, `empty`: the pointer leads nowhere, to something else than a string (a number, say), or to `""`.
   * - `length`: the input is longer than `byteLengthMax`.
   *
   * Otherwise as `fromFile` and `fromFd` do.
   */
  fromJson(source: JsonSource, pointer: string, options?: JsonOptions): Promise<Secret> {
    return fromJson(this.#ownership, source, pointer, options);
  }

  /**
   * A private key out of a PEM file (RFC 7468): PKCS#8 (RFC 5208, 5958), also encrypted under PBES2, SEC 1 and PKCS#1, of Ed25519,
   * X25519, P-256, P-384, P-521, secp256k1 and RSA. The file comes as bytes, which are wiped once the key was taken, in a secret,
   * which is left as it is, or by its path (a string or a URL) or a descriptor (a number). The text is decoded in a page of its
   * own, of which nothing is kept but the private part; no string is made of it. An encrypted file is decrypted there, with
   * `passphrase`; the key of its cipher is in ordinary memory meanwhile, and wiped.
   *
   * Rejects with `ERR_SECMEM_INPUT_INVALID`, with nothing of the file left and bytes as they were. `details.reason` says why, and
   * `details.byteOffset` where, counted in what was decoded so far:
   *
   * - `syntax`: it is not this format as a whole, to the last byte, in the one form that DER has.
   * - `unsupported`: another algorithm, curve, version or cipher; `details.remedy` says what to do where something can be done.
   * - `value`: a number is out of its range (an EC key of zero, an RSA modulus below 2,048 or above 8,192 bits), or numbers of
   *   an RSA key do not belong together.
   * - `mismatch`: the public key in the file is not that of the private one.
   * - `encrypted`, `passphrase`: there is no passphrase, or it is wrong (or the file was changed).
   * - `cost`: the file asks for more than 10,000,000 rounds of PBKDF2, or more than 32 MiB for scrypt.
   * - `empty`, `length`: there is nothing, or more than `byteLengthMax`.
   *
   * `ERR_SECMEM_NOT_SUPPORTED` where the backend locks memory but cannot calculate the public key there (`capabilities.keys`), or the runtime has no such public keys.
   * Otherwise as `allocate`, and as `fromFile` and `fromFd` where it reads. A file of more than 1 KiB that is read needs room for two at once.
   */
  fromPem(source: KeySource, options?: EncryptedKeyOptions): Promise<ImportedKey> {
    return fromPem(this.#ownership, source, options);
  }

  /** The same of the DER that is in a PEM file. Which structure it is, is seen from its first two values. */
  fromDer(source: KeySource, options?: EncryptedKeyOptions): Promise<ImportedKey> {
    return fromDer(this.#ownership, source, options);
  }

  /**
   * The same of a JSON Web Key (RFC 7517) of type OKP, EC or RSA: the whole document, or what `pointer` leads to, as `'/keys/0'` in a
   * set. All members that RFC 7518 and RFC 8037 ask of a private key must be there, `x` and the factors of RSA among them. Reasons are
   * those of `fromPem` and of `fromJson`; `missing` when there is no such value, or when it is a public key.
   */
  fromJwk(source: KeySource, options?: JwkOptions): Promise<ImportedKey> {
    return fromJwk(this.#ownership, source, options);
  }

  /**
   * The same of a private key of OpenSSH that is not encrypted: Ed25519, ECDSA on P-256, P-384 and P-521, RSA. An encrypted one is
   * `unsupported`: `ssh-keygen -p -m PKCS8` makes a file of it that `fromPem` takes.
   */
  fromOpenSsh(source: KeySource, options?: KeyFileOptions): Promise<ImportedKey> {
    return fromOpenSsh(this.#ownership, source, options);
  }
}

/** Checks what can be checked before anybody waits. */
function openable(sealed: SealedSecret, { places, sealingKey }: Ownership): number {
  requireSealed(sealed, 'sealed');
  if (keyOf(sealed) !== sealingKey) {
    throw new SecureMemoryError(
      'ERR_SECMEM_INPUT_INVALID',
      'it was sealed by another allocator, whose key this one does not have',
      { operation: 'open' },
    );
  }
  places.assertOpen('open');
  return openableByteLength(sealed);
}

function unseal(sealed: SealedSecret, secret: Secret): Secret {
  try {
    unsealInto(sealed, placeOf(secret));
  } catch (error) {
    secret.dispose();
    throw error;
  }
  return secret;
}
