import type { Secret } from '../secret/secret.js';

/** A secret for each member of a list, in its order: a tuple where the list is written out, an array where it is not. */
export type SecretFor<List extends readonly unknown[]> = {
  -readonly [Index in keyof List]: Secret;
};
