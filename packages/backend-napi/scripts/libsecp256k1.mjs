import { fileURLToPath } from 'node:url';

/** Where the library lies; see the README there. */
export const LIBSECP256K1 = fileURLToPath(
  new URL('../native/vendor/libsecp256k1', import.meta.url),
);

/** How it is compiled: signing and agreeing, and no table for checking signatures, which is not done. */
export const SECP256K1_FLAGS = [
  '-DENABLE_MODULE_ECDH=1',
  '-DENABLE_MODULE_RECOVERY=1',
  '-DECMULT_WINDOW_SIZE=2',
  '-DCOMB_BLOCKS=11',
  '-DCOMB_TEETH=6',
];
