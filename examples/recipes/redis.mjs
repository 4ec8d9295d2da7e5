// redis.mjs
import { createClient } from 'redis';

const text = new TextDecoder();

/** @param {import('@securemem/core').Secret} key @param {string} url */
export function clientOf(key, url) {
  // Called for each connection, reconnections included.
  const credentials = async () => ({ password: key.read((bytes) => text.decode(bytes)) });
  const credentialsProvider = {
    type: /** @type {const} */ ('async-credentials-provider'),
    credentials,
  };
  return createClient({ url, credentialsProvider });
}
