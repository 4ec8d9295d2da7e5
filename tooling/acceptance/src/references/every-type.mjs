/** References of every type in one allocator, and a use of each. */
import { createPrivateKey, diffieHellman, sign, verify } from 'node:crypto';
import { createAllocator, publicKey, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const message = Buffer.from('a message');

/** The public keys are there before, so that nothing ordinary is fetched between a reference and what is looked at. */
export async function openEveryType() {
  const memory = createAllocator({ backend: napiBackend() });
  /** @type {{ pem: string, digest: string | null, verifier: import('node:crypto').KeyObject }[]} */
  const signing = [];
  for (const type of /** @type {const} */ (['P-256', 'P-384', 'Ed25519', 'RSA'])) {
    const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
    const digest = type === 'Ed25519' ? null : 'sha256';
    const pem = toTlsKey(secret, { tlsOnly: true });
    signing.push({ pem, digest, verifier: publicKey(type, secret) });
  }
  const agreed = memory.randomSync(32);
  const agreeing = createPrivateKey(toTlsKey(agreed, { type: 'X25519', tlsOnly: true }));
  const peer = publicKey('X25519', memory.randomSync(32));

  /** Uses each once, and answers what is to be looked at later: whether all of it was right. @returns {() => boolean} */
  function use() {
    const signatures = signing.map(({ pem, digest }) => sign(digest, message, pem));
    const secret = diffieHellman({ privateKey: agreeing, publicKey: peer });
    return () =>
      secret.length === 32 &&
      signing.every(({ digest, verifier }, i) =>
        verify(digest, message, verifier, /** @type {Buffer} */ (signatures[i])),
      );
  }
  return { memory, use };
}
