// postgres.mjs
import pg from 'pg';

const text = new TextDecoder();

/** @param {import('@securemem/core').Secret} password @param {pg.PoolConfig} options */
export function openPool(password, options) {
  // Called for each connection, so that no string lives as long as the pool.
  return new pg.Pool({ ...options, password: async () => password.read((b) => text.decode(b)) });
}
