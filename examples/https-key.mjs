// An HTTPS server whose private key lies in one locked page and nowhere else: TLS gets a name for it. Needs @securemem/openssl beside
// @securemem/napi, on Linux.
//
//   node https-key.mjs key.pem certificate.pem
//   node scan.mjs key.pem <pid>                  in another terminal: where the key is
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';

const [keyPath, certificatePath] = process.argv.slice(2);
// Pages that root can read, so that the scan finds the one.
const memory = createAllocator({ backend: napiBackend({ kernelHidden: 'off' }) });
const { secret } = await memory.fromPem(String(keyPath));

const server = createServer(
  { key: toTlsKey(secret, { tlsOnly: true }), cert: readFileSync(String(certificatePath)) },
  (_, response) => response.end('hello\n'),
);
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`https://localhost:${port}`);
});

// The key ends with the server: what comes later is refused, and its page reads zero.
process.once('SIGTERM', () => {
  server.close(() => memory.close());
  server.closeAllConnections();
});
