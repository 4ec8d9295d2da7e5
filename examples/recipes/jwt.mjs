// jwt.mjs
import { sign } from '@securemem/core';

/** @param {object} part */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token under a private key of Ed25519, such as `fromPem` gives. @param {import('@securemem/core').Secret} key @param {object} claims */
export function token(key, claims) {
  const signed = `${encoded({ alg: 'EdDSA', typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${sign('Ed25519', key, signed).toString('base64url')}`;
}
