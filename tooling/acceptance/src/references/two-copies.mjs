/**
 * Two copies of the packages in one process, as two versions are when a program and its library have one each: `two-copies.mjs <directory>`, with
 * the second copy in its node_modules. Each has references of its own, and ordinary keys work whatever OpenSSL answers with.
 */
import { sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { forgetFetches, providerNames, servedBy } from './fetches.mjs';
import { identities } from './identities.mjs';

const require = createRequire(`${process.argv[2]}/program.cjs`);
const { napiBackend: secondBackend } = /** @type {{ napiBackend: typeof napiBackend }} */ (
  require('@securemem/napi')
);
const message = Buffer.from('a message');
const TYPES = /** @type {const} */ (['P-256', 'Ed25519', 'RSA']);

const copies = [];
for (const backend of [napiBackend(), secondBackend()]) {
  const memory = createAllocator({ backend });
  const named = [];
  for (const type of TYPES) {
    const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
    named.push({
      pem: toTlsKey(secret, { tlsOnly: true }),
      digest: type === 'Ed25519' ? null : 'sha256',
      verifier: publicKey(type, secret),
    });
  }
  copies.push({ memory, named });
}
const { ordinaryFailures } = await import('./ordinary.mjs');

/** How many references of each copy sign. */
const signing = () =>
  copies.map(
    ({ named }) =>
      named.filter(({ pem, digest, verifier }) => {
        try {
          return verify(digest, message, verifier, sign(digest, message, pem));
        } catch {
          return false;
        }
      }).length,
  );

const served = new Set();
const failures = [];
for (let round = 0; round < 4; round++) {
  forgetFetches();
  // In turns the one and the other copy comes first after the cache is empty.
  if (round % 2 === 1) copies.reverse();
  signing();
  served.add(servedBy('EC'));
  failures.push(...(await ordinaryFailures()));
}
const both = signing();
await copies[0]?.memory.close();
const one = signing();
await copies[1]?.memory.close();
const none = signing();
failures.push(...(await ordinaryFailures()));
const providers = providerNames().filter((name) => name.startsWith('securemem'));
console.log(
  JSON.stringify({ both, one, none, failures, providers: providers.length, served: served.size }),
);
