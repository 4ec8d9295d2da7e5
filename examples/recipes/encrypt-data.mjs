// encrypt-data.mjs
import { decrypt, encrypt } from '@securemem/core';
/** A cookie that only we can read. @param {import('@securemem/core').Secret} key of 32 bytes @param {object} session */
export function seal(key, session) {
  const message = encrypt('aes-256-gcm', key, Buffer.from(JSON.stringify(session)));
  return Buffer.from(message).toString('base64url');
}

/** @param {import('@securemem/core').Secret} key @param {string} cookie */
export async function open(key, cookie) {
  const plaintext = await decrypt('aes-256-gcm', key, Buffer.from(cookie, 'base64url'));
  const text = plaintext.read((bytes) => new TextDecoder().decode(bytes));
  plaintext.dispose();
  return JSON.parse(text);
}
