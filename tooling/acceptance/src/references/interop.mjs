/**
 * What others make of a reference, unchanged: jose and jsonwebtoken. Says in one line of JSON what came of each. Where the runtime takes
 * references in a KeyObject both get one; elsewhere jsonwebtoken gets the text, and jose nothing, since it takes no text.
 */
import { createAllocator, publicKey, toPrivateKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { jwtVerify, SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { identities } from './identities.mjs';

const memory = createAllocator({ backend: napiBackend() });
const takesKeyObjects = Number(process.versions.node.split('.')[0]) >= 24;

/** @type {Record<string, unknown>} */
const seen = {};

/** @param {string} name @param {() => unknown} run */
async function note(name, run) {
  try {
    seen[name] = await run();
  } catch (error) {
    seen[name] = `${/** @type {NodeJS.ErrnoException} */ (error).code ?? error}`;
  }
}

for (const [type, algorithms] of /** @type {const} */ ([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['Ed25519', ['EdDSA']],
  ['RSA', ['RS256', 'PS256']],
])) {
  const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
  const key = takesKeyObjects ? toPrivateKey(secret) : toTlsKey(secret, { tlsOnly: true });
  const verifier = publicKey(type, secret);
  for (const alg of algorithms) {
    if (typeof key !== 'string') {
      await note(`jose ${alg}`, async () => {
        const token = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg }).sign(key);
        return (await jwtVerify(token, verifier)).payload.sub;
      });
    }
    if (alg === 'EdDSA') continue; // jsonwebtoken has none.
    await note(`jsonwebtoken ${alg}`, () => {
      const token = jsonwebtoken.sign({ sub: 'ada' }, key, { algorithm: alg });
      const told = jsonwebtoken.verify(token, verifier, { algorithms: [alg] });
      return /** @type {{ sub: string }} */ (told).sub;
    });
  }
}
await memory.close();
console.log(JSON.stringify(seen));
