/**
 * The danger of a second provider of standard keys: that OpenSSL answers a request for ordinary keys with it. Here it does, again and
 * again, and the ordinary keys work all the same. One line of JSON at the end.
 */
import { createPrivateKey, diffieHellman, sign, verify } from 'node:crypto';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { crowdFetches, FAMILIES, forgetFetches, servedBy } from './fetches.mjs';
import { identities } from './identities.mjs';

const rounds = Number(process.argv[2] ?? 3);
const memory = createAllocator({ backend: napiBackend() });

/** The public keys are there before, so that nothing ordinary is fetched between a reference and what is looked at. */
const references = [];
for (const type of /** @type {const} */ (['P-256', 'P-384', 'Ed25519', 'RSA'])) {
  const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
  const pem = toTlsKey(secret, { tlsOnly: true });
  references.push({
    pem,
    verifier: publicKey(type, secret),
    digest: type === 'Ed25519' ? null : 'sha256',
  });
}
const agreed = memory.randomSync(32);
const agreeing = createPrivateKey(toTlsKey(agreed, { type: 'X25519', tlsOnly: true }));
const peer = publicKey('X25519', memory.randomSync(32));
const { ordinaryFailures } = await import('./ordinary.mjs');

/** @type {Record<string, { served: Record<string, number>, failures: string[] }>} */
const seen = {};
const message = Buffer.from('a message');

/** @param {string} name @param {() => void} before */
async function round(name, before) {
  seen[name] ??= { served: {}, failures: [] };
  const note = seen[name];
  before();
  const signatures = references.map(({ pem, digest }) => sign(digest, message, pem));
  const secret = diffieHellman({ privateKey: agreeing, publicKey: peer });
  for (const family of FAMILIES) {
    const by = servedBy(family).replace(/-.*/, '');
    note.served[by] = (note.served[by] ?? 0) + 1;
  }
  for (const [i, { verifier, digest }] of references.entries()) {
    if (!verify(digest, message, verifier, signatures[i] ?? Buffer.alloc(0)))
      note.failures.push(`reference ${i}`);
  }
  if (secret.length !== 32) note.failures.push('an agreement by a reference');
  note.failures.push(...(await ordinaryFailures()));
}

for (let i = 0; i < rounds; i++) {
  await round('as it comes', () => {});
  await round('after a flush', forgetFetches);
  await round('in a crowd', () => crowdFetches(600));
  await round('in a crowd, after a flush', () => {
    forgetFetches();
    crowdFetches(150);
  });
}
await memory.close();
const after = await ordinaryFailures();
console.log(JSON.stringify({ seen, after }));
