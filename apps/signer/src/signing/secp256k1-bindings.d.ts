/** The part of npm's `secp256k1` that is used here: the native binding, never the JavaScript fallback of its main entry. */
declare module 'secp256k1/bindings.js' {
  interface Libsecp256k1 {
    /** Writes r then s to `output`, 64 bytes, low s; the nonce is that of RFC 6979. Throws for a key out of range. */
    ecdsaSign(
      digest: Uint8Array,
      key: Uint8Array,
      options: Record<string, never>,
      output: Uint8Array,
    ): { readonly recid: number };
    privateKeyVerify(key: Uint8Array): boolean;
    /** 65 bytes uncompressed when `compressed` is false. Throws for a key out of range. */
    publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array;
  }
  const bindings: Libsecp256k1;
  export default bindings;
}
