import secp256k1 from 'secp256k1/bindings.js';

/** @param {import('@securemem/core').Allocator} memory */
export function randomPrivateKey(memory) {
  for (;;) {
    const key = memory.randomSync(32);
    if (key.read((bytes) => secp256k1.privateKeyVerify(bytes))) return key;
    key.dispose();
  }
}

/** The 64 bytes of a signature; the key is read through a view.
 *  @param {import('@securemem/core').Secret} key @param {Uint8Array} digest @returns {Uint8Array} */
export function sign(key, digest) {
  return key.read((bytes) => secp256k1.ecdsaSign(digest, bytes).signature);
}
