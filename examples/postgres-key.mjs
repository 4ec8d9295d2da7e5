// A client of PostgreSQL that logs in by a certificate. Its private key lies in one locked page and nowhere else: TLS gets a name for it. Needs
// @securemem/openssl beside @securemem/napi, on Linux.
//
//   node postgres-key.mjs key.pem certificate.pem server.pem postgres://ada@localhost/shop
//   node scan.mjs key.pem <pid>                  in another terminal: where the key is
import { readFileSync } from 'node:fs';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import pg from 'pg';

const [keyPath, certificatePath, serverPath, connectionString] = process.argv.slice(2);
// Pages that root can read, so that the scan finds the one.
const memory = createAllocator({ backend: napiBackend({ kernelHidden: 'off' }) });
const { secret } = await memory.fromPem(String(keyPath));
const pool = new pg.Pool({
  connectionString,
  ssl: {
    key: toTlsKey(secret, { tlsOnly: true }),
    cert: readFileSync(String(certificatePath)),
    ca: readFileSync(String(serverPath)),
  },
});

const { rows } = await pool.query('SELECT current_user AS name');
console.log('logged in as', rows[0].name);
process.stdin.resume().once('end', async () => {
  await pool.end();
  await memory.close();
});
