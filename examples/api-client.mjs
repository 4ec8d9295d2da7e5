// A client that proves who it is to an API by an assertion that it signs with RS256 (RFC 7523), as for service accounts of clouds. jsonwebtoken
// signs, with a KeyObject that is a name for a key in one locked page. Needs Node 24 or later, and @securemem/openssl beside @securemem/napi,
// on Linux.
//
//   node api-client.mjs key.pem https://api.example/token
//   node scan.mjs key.pem <pid>       in another terminal: where the key is
import { createAllocator, toPrivateKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import jsonwebtoken from 'jsonwebtoken';

const [keyPath, url] = process.argv.slice(2);
// Pages that root can read, so that the scan finds the one.
const memory = createAllocator({ backend: napiBackend({ kernelHidden: 'off' }) });
const { secret } = await memory.fromPem(String(keyPath));
const key = toPrivateKey(secret);

async function accessToken() {
  const claims = { iss: 'agent@example', aud: url };
  const assertion = jsonwebtoken.sign(claims, key, { algorithm: 'RS256', expiresIn: '5m' });
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const body = new URLSearchParams({ grant_type, assertion });
  const response = await fetch(String(url), { method: 'POST', body });
  return /** @type {{ access_token: string }} */ (await response.json()).access_token;
}

console.log('got', await accessToken());
process.stdin.resume().once('end', () => memory.close());
