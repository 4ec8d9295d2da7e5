import { forEachBackend } from '../backends.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'unseal-32',
  what: '32 bytes decrypted into an open page under a key on an open page, by the backend alone',
  subjects: forEachBackend((backend) => {
    const region = backend.map(backend.pageByteLength);
    const key = { region, byteOffset: 0, byteLength: 32 };
    const plaintext = { region, byteOffset: 64, byteLength: 32 };
    const nonce = new Uint8Array(new ArrayBuffer(12));
    const associatedData = new Uint8Array(new ArrayBuffer(24));
    const sealed = new Uint8Array(new ArrayBuffer(48));
    backend.seal(key, nonce, associatedData, plaintext, sealed);
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) {
          backend.unseal(key, nonce, associatedData, sealed, plaintext);
        }
      },
      close: () => backend[Symbol.dispose](),
    };
  }),
  targets: [],
};
