/**
 * Private keys in locked memory, as references for everything that takes a key in PEM: TLS, `node:crypto`, and what is built on it.
 * A program only installs this package: `@securemem/napi` finds it, and `toTlsKey` and `toPrivateKey` of `@securemem/core` use it.
 *
 * Experimental: it adds a provider to the OpenSSL of the process with the first key, which stays until the process ends.
 *
 * @module @securemem/openssl
 */
import { randomFillSync } from 'node:crypto';
import type { KeyReference, KeyType } from '@securemem/core/contract';
import { Answer, loadBinding } from './binding.js';

/** In the order of `KeyType` in the addon's `keys.h`. */
const KEY_TYPES: readonly KeyType[] = [
  'Ed25519',
  'X25519',
  'P-256',
  'P-384',
  'P-521',
  'secp256k1',
  'RSA',
];

const ID_BYTE_LENGTH = 16;

/** Why no reference can be had here; undefined where it can. Nothing is changed in OpenSSL by asking. */
export function whyUnsupported(): string | undefined {
  try {
    if (loadBinding().supported() === 1) return undefined;
    return 'the runtime has no OpenSSL 3 that takes providers';
  } catch (cause) {
    const [line] = String((cause as Error)?.message ?? cause).split('\n', 1);
    return `@securemem/openssl has no binary for ${process.platform}-${process.arch}, or it cannot be loaded: ${line}`;
  }
}

/**
 * For backends. Makes a reference of a private key that `window` shows: an external value as `key_window.h` of `@securemem/napi`
 * describes it. `publicKey` is as the contract's `publicKey` gives it, and must belong to the private key: a signature of Ed25519 by
 * another one gives the key away.
 *
 * Throws `TypeError` for anything else, and `Error` where OpenSSL refuses.
 */
export function openReference(type: KeyType, window: unknown, publicKey: Uint8Array): KeyReference {
  const id = randomFillSync(new Uint8Array(new ArrayBuffer(ID_BYTE_LENGTH)));
  const binding = loadBinding();
  const answer = binding.open(KEY_TYPES.indexOf(type), window, publicKey, id);
  if (answer === Answer.badType) throw new TypeError('this is no key type, window and public key');
  if (answer !== Answer.ok) throw new Error(WHY[answer] ?? `unknown answer ${answer}`);
  return { pem: pemOf(id), close: () => void binding.close(id) };
}

const WHY: { readonly [answer: number]: string } = {
  [Answer.noProvider]: 'OpenSSL does not take a provider here',
  [Answer.refused]: 'OpenSSL does not take a key of this type here',
};

/** The label is our own, so that nothing takes a reference for a key. */
function pemOf(id: Uint8Array): string {
  const hex = Buffer.from(id.buffer as ArrayBuffer).toString('hex');
  const label = 'SECUREMEM KEY REFERENCE';
  return `-----BEGIN ${label}-----\n${hex}\n-----END ${label}-----\n`;
}
