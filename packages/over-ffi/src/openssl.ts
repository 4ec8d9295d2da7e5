import { byteLengthOfOrdinary } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { Cipher } from './cipher.js';
import type { BackendErrors } from './errors.js';
import type { CType, Ffi } from './ffi.js';

/**
 * AES-256-GCM by the OpenSSL that is inside the runtime already, called on the pages themselves.
 *
 * A cipher context holds the raw key and its schedule in the malloc heap for as long as it is keyed: keeping one made the
 * key show up in a scan of the process. So every call makes a context, keys it from the page and frees it again, which
 * overwrites what it held; that costs under a microsecond.
 */
interface Evp {
  newContext(): Address | null;
  freeContext(context: Address): void;
  encryptInit(context: Address, cipher: Address, engine: null, key: Address, iv: Address): number;
  encryptUpdate(
    context: Address,
    out: Address | null,
    length: Int32Array,
    source: Address,
    byteLength: number,
  ): number;
  encryptFinal(context: Address, out: Address, length: Int32Array): number;
  decryptInit(context: Address, cipher: Address, engine: null, key: Address, iv: Address): number;
  decryptUpdate(
    context: Address,
    out: Address | null,
    length: Int32Array,
    source: Address,
    byteLength: number,
  ): number;
  decryptFinal(context: Address, out: Address, length: Int32Array): number;
  control(context: Address, command: number, byteLength: number, at: Address): number;
  clearErrors(): void;
  zero(address: Address, byteLength: number): void;
}

const TAG_BYTE_LENGTH = 16;
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;

/** Lengths are C ints there. A multiple of the block, so that every update gives out what it takes in. */
const UPDATE_BYTE_LENGTH_MAX = 2 ** 30;

type Update = Evp['encryptUpdate'];

class OpensslCipher implements Cipher {
  readonly #evp: Evp;
  readonly #cipher: Address;
  readonly #addressOf: (bytes: Uint8Array) => Address;
  readonly #errors: BackendErrors;
  readonly #length = new Int32Array(new ArrayBuffer(4));

  constructor(evp: Evp, cipher: Address, ffi: Ffi, errors: BackendErrors) {
    this.#evp = evp;
    this.#cipher = cipher;
    this.#addressOf = (bytes) => ffi.address(bytes);
    this.#errors = errors;
  }

  seal(
    key: Address,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    text: Address,
    textByteLength: number,
    target: Uint8Array,
  ): void {
    const evp = this.#evp;
    const out = this.#addressOf(target);
    const tag = offsetBy(out, textByteLength);
    const done = this.#withContext(
      (context) =>
        evp.encryptInit(context, this.#cipher, null, key, this.#addressOf(nonce)) === 1 &&
        this.#associate(evp.encryptUpdate, context, associatedData) &&
        this.#update(evp.encryptUpdate, context, out, text, textByteLength) &&
        evp.encryptFinal(context, tag, this.#length) === 1 &&
        evp.control(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTE_LENGTH, tag) === 1,
    );
    if (done) return;
    evp.zero(out, textByteLength + TAG_BYTE_LENGTH);
    const message = 'OpenSSL refused to encrypt';
    throw this.#errors.system('ERR_SECMEM_PLATFORM', 'seal', 'EVP_EncryptUpdate', 0, message);
  }

  unseal(
    key: Address,
    nonce: Uint8Array,
    associatedData: Uint8Array,
    source: Uint8Array,
    text: Address,
    textByteLength: number,
  ): boolean {
    const evp = this.#evp;
    const sealed = this.#addressOf(source);
    const tag = offsetBy(sealed, textByteLength);
    let opened = false;
    try {
      opened = this.#withContext(
        (context) =>
          evp.decryptInit(context, this.#cipher, null, key, this.#addressOf(nonce)) === 1 &&
          this.#associate(evp.decryptUpdate, context, associatedData) &&
          this.#update(evp.decryptUpdate, context, text, sealed, textByteLength) &&
          evp.control(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTE_LENGTH, tag) === 1 &&
          // GCM writes nothing here; the address only must be one.
          evp.decryptFinal(context, text, this.#length) === 1,
      );
    } finally {
      // OpenSSL writes the text before it looks at the tag.
      if (!opened && textByteLength > 0) evp.zero(text, textByteLength);
    }
    return opened;
  }

  #withContext(work: (context: Address) => boolean): boolean {
    const context = this.#evp.newContext();
    if (context === null) {
      const message = 'no memory for a cipher context';
      throw this.#errors.own('ERR_SECMEM_OUT_OF_MEMORY', 'cipher', message);
    }
    try {
      const done = work(context);
      if (!done) this.#evp.clearErrors(); // Or node:crypto finds our failure in the queue of this thread.
      return done;
    } finally {
      this.#evp.freeContext(context);
    }
  }

  #associate(update: Update, context: Address, associatedData: Uint8Array): boolean {
    const byteLength = byteLengthOfOrdinary(associatedData, 'associatedData');
    return this.#update(update, context, null, this.#addressOf(associatedData), byteLength);
  }

  #update(
    update: Update,
    context: Address,
    out: Address | null,
    source: Address,
    byteLength: number,
  ): boolean {
    for (let done = 0; done < byteLength; done += UPDATE_BYTE_LENGTH_MAX) {
      const length = Math.min(byteLength - done, UPDATE_BYTE_LENGTH_MAX);
      const to = out === null ? null : offsetBy(out, done);
      if (update(context, to, this.#length, offsetBy(source, done), length) !== 1) return false;
    }
    return true;
  }
}

function bindEvp(ffi: Ffi, zero: Evp['zero']): { evp: Evp; fetch(): Address | null } {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  type Fetch = (context: null, name: string, properties: null) => Address | null;
  const fetch = call<Fetch>('EVP_CIPHER_fetch', p, p, 'text', 'text');
  return {
    evp: {
      newContext: call('EVP_CIPHER_CTX_new', p),
      freeContext: call('EVP_CIPHER_CTX_free', 'void', p),
      encryptInit: call('EVP_EncryptInit_ex', 'int', p, p, p, p, p),
      encryptUpdate: call('EVP_EncryptUpdate', 'int', p, p, p, p, 'int'),
      encryptFinal: call('EVP_EncryptFinal_ex', 'int', p, p, p),
      decryptInit: call('EVP_DecryptInit_ex', 'int', p, p, p, p, p),
      decryptUpdate: call('EVP_DecryptUpdate', 'int', p, p, p, p, 'int'),
      decryptFinal: call('EVP_DecryptFinal_ex', 'int', p, p, p),
      control: call('EVP_CIPHER_CTX_ctrl', 'int', p, 'int', 'int', p),
      clearErrors: call('ERR_clear_error', 'void'),
      zero,
    },
    fetch: () => fetch(null, 'AES-256-GCM', null),
  };
}

/**
 * The tag of 16 zero bytes under a zero key and a zero nonce: test case 14 of "The Galois/Counter Mode of Operation"
 * (McGrew and Viega), the specification that NIST SP 800-38D is built on.
 */
const KNOWN_TAG = 'd0d1c8a799996bf0265b98b5d48ab919';

function answersRight(ffi: Ffi, cipher: Cipher): boolean {
  const zeros = new Uint8Array(new ArrayBuffer(48));
  const at = ffi.address(zeros);
  const sealed = new Uint8Array(new ArrayBuffer(32));
  cipher.seal(at, new Uint8Array(12), new Uint8Array(0), offsetBy(at, 32), 16, sealed);
  // Used after the call, so that the collector leaves the key and the text alone until then.
  return zeros[0] === 0 && Buffer.from(sealed.buffer, 16, 16).toString('hex') === KNOWN_TAG;
}

/**
 * The cipher of this runtime, or undefined where its executable does not export OpenSSL (Bun and Deno do not) or gives a
 * wrong answer to a known question.
 */
export function openssl(ffi: Ffi, zero: Evp['zero'], errors: BackendErrors): Cipher | undefined {
  try {
    const { evp, fetch } = bindEvp(ffi, zero);
    const algorithm = fetch(); // Holds no key; one for each opened backend, for the life of the process.
    if (algorithm === null) return undefined;
    const cipher = new OpensslCipher(evp, algorithm, ffi, errors);
    return answersRight(ffi, cipher) ? cipher : undefined;
  } catch {
    return undefined;
  }
}
