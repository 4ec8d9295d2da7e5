// mysql.mjs
import { createConnection } from 'mysql2/promise';

const text = new TextDecoder();

/** @param {import('@securemem/core').Secret} key @param {import('mysql2').ConnectionOptions} options */
export function connect(key, options) {
  // The driver keeps the string for as long as the connection lives.
  return createConnection({ ...options, password: key.read((bytes) => text.decode(bytes)) });
}
