/** Bytes of a working place: `[start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export const lengthOf = ({ start, end }: Span): number => end - start;

/** Curves whose private part is a string of bytes (RFC 7748, RFC 8032). */
export type OctetCurve = 'Ed25519' | 'X25519';
/** Curves whose private part is a number (SEC 2). */
export type ScalarCurve = 'P-256' | 'P-384' | 'P-521' | 'secp256k1';

/** Where a file has a public key beside the private one, in one of its two forms. Nothing but a comparison is made of it. */
export type PublicClaim =
  | { readonly raw: Span }
  /** Big-endian, as wide as the field; of `y` its last bit where the point is compressed. */
  | { readonly x: Span; readonly y: Span | 0 | 1 };

/** Big-endian, above zero and without leading zeros. */
export interface RsaNumbers {
  readonly n: Span;
  readonly e: Span;
  readonly d: Span;
  readonly p: Span;
  readonly q: Span;
  readonly qi: Span;
  /** `d` modulo `p - 1` and `q - 1`; absent in files of OpenSSH. */
  readonly crt: { readonly dp: Span; readonly dq: Span } | undefined;
}

/** The private key of a curve: as wide as the curve says, big-endian where it is a number. */
export interface FoundCurveKey {
  readonly type: OctetCurve | ScalarCurve;
  readonly scalar: Span;
  readonly claims: readonly PublicClaim[];
}

export interface FoundRsaKey {
  readonly type: 'RSA';
  readonly numbers: RsaNumbers;
  /** The same as RSAPrivateKey of PKCS#1, where the file has it so. */
  readonly der: Span | undefined;
}

/** A private key, by where its parts lie in a working place. Nothing of it is anywhere else. */
export type FoundKey = FoundCurveKey | FoundRsaKey;
