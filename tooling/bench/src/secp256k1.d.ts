/** What the bench uses of it; the package has no types for its native entry. */
declare module 'secp256k1/bindings.js' {
  const bindings: {
    privateKeyVerify(privateKey: Uint8Array): boolean;
    ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  };
  export default bindings;
}
