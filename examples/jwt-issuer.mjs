// An issuer of JSON Web Tokens that signs with jose, as every example of jose does; but the KeyObject is a name for a key in one locked page.
// Needs Node 24 or later, and @securemem/openssl beside @securemem/napi, on Linux.
//
//   node jwt-issuer.mjs key.pem       an EC key of P-256
//   node scan.mjs key.pem <pid>       in another terminal: where the key is
import { createServer } from 'node:http';
import { createAllocator, toPrivateKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { exportJWK, SignJWT } from 'jose';

// Pages that root can read, so that the scan finds the one.
const memory = createAllocator({ backend: napiBackend({ kernelHidden: 'off' }) });
const { secret, publicKey } = await memory.fromPem(String(process.argv[2]));
const key = toPrivateKey(secret);
const keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }];

const server = createServer(async (request, response) => {
  if (request.url === '/.well-known/jwks.json') return response.end(JSON.stringify({ keys }));
  const token = await new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'ES256' })
    .setExpirationTime('5m')
    .sign(key);
  return response.end(token);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});

process.once('SIGTERM', () => {
  server.close(() => memory.close());
  server.closeAllConnections();
});
