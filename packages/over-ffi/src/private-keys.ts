import type {
  AgreementAlgorithm,
  KeyAlgorithm,
  KeyType,
  SignatureAlgorithm,
} from '@securemem/core/contract';
import type { Address } from './address.js';

/** Why a call made nothing: the private key is none, or the public key of the other side is none. */
export type Refusal = 'key' | 'peer';

/**
 * Private keys in accessible pages. Lengths are checked already, but for those that only the key tells. No copy of a key, and
 * nothing secret that was calculated from it, is left anywhere when a call returns or throws.
 */
export interface PrivateKeys {
  /** What was found to work here, for `capabilities.keys`. */
  readonly algorithms: readonly KeyAlgorithm[];

  /** The length of the signature in `target`. */
  sign(
    algorithm: SignatureAlgorithm,
    key: Address,
    keyByteLength: number,
    message: Uint8Array,
    target: Uint8Array,
  ): number | Refusal;

  /** The length of the public key in `target`. */
  publicKey(
    type: KeyType,
    key: Address,
    keyByteLength: number,
    target: Uint8Array,
  ): number | Refusal;

  /** The length of the secret at its address, where something is written on a refusal, too. */
  agree(
    algorithm: AgreementAlgorithm,
    key: Address,
    peer: Uint8Array,
    secret: Address,
    secretByteLength: number,
  ): number | Refusal;
}

/** The same for the families of one kind: what `PrivateKeys` is joined from. */
export interface KeyFamily {
  readonly types: readonly KeyType[];
  sign: PrivateKeys['sign'];
  publicKey: PrivateKeys['publicKey'];
  agree: PrivateKeys['agree'];
}
