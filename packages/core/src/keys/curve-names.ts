import type { KeyType } from '../contract/keys.js';

/** The curves as `node:crypto` names them. */
export const CURVE_NAMES: Readonly<Partial<Record<KeyType, string>>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  secp256k1: 'secp256k1',
};
