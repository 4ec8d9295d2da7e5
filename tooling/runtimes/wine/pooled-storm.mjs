// Copied into the project of a runtime and run there: pooled-storm.mjs BACKEND OUTPUT REQUESTS. The storm of the demo in one
// process, for systems that it cannot be started on: all requests at once, each with four secrets for its life.
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  randomFillSync,
  verify,
} from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createAllocator } from '@securemem/core';

const [backendName = '', output = '', requestsText = ''] = process.argv.slice(2);
const { open } = await import(`./open-${backendName}.mjs`);
const secp256k1 = createRequire(import.meta.url)('secp256k1/bindings.js');
const requests = Number(requestsText);
/** @param {number} byteLength */
const bytes = (byteLength) => new Uint8Array(new ArrayBuffer(byteLength));
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** @param {unknown} error */
const codeOf = (error) => /** @type {{ code?: string }} */ (error).code ?? String(error);

let unhandledRejections = 0;
process.on('unhandledRejection', () => {
  unhandledRejections += 1;
});

/** Ciphertext, wrapping key, plaintext key, signature. */
const BYTE_LENGTHS = [1024, 32, 32, 64];
const nonce = randomFillSync(bytes(12));
const master = randomFillSync(bytes(32));
const { stored, tag, publicKey } = makeKey();

/** What a database holds: a private key, encrypted under the master key and padded; and the public key to verify with. */
function makeKey() {
  const key = bytes(32);
  do randomFillSync(key);
  while (!secp256k1.privateKeyVerify(key));
  const point = Buffer.from(secp256k1.publicKeyCreate(key, false));
  const plaintext = bytes(BYTE_LENGTHS[0] ?? 0);
  plaintext.set(key);
  const cipher = createCipheriv('aes-256-gcm', master, nonce);
  const stored = cipher.update(plaintext);
  cipher.final();
  const coordinate = (/** @type {number} */ at) => point.toString('base64url', at, at + 32);
  const jwk = { kty: 'EC', crv: 'secp256k1', x: coordinate(1), y: coordinate(33) };
  return {
    stored,
    tag: cipher.getAuthTag(),
    publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
  };
}

/**
 * One request. The signature is judged by OpenSSL, which had no part in making it.
 * @param {import('@securemem/core').Allocator} memory @param {number} number
 */
async function sign(memory, number) {
  const message = new TextEncoder().encode(`request ${number}`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
  const secrets = await memory.allocateAll(BYTE_LENGTHS);
  try {
    const [envelope, wrapping, key, scratch] =
      /** @type {[import('@securemem/core').Secret, import('@securemem/core').Secret, import('@securemem/core').Secret, import('@securemem/core').Secret]} */ (
        /** @type {unknown} */ (secrets)
      );
    envelope.copyFrom(stored);
    wrapping.copyFrom(master);
    const decipher = wrapping.read((opened) => createDecipheriv('aes-256-gcm', opened, nonce));
    const plaintext = envelope.read((opened) => decipher.update(opened));
    decipher.setAuthTag(tag);
    decipher.final();
    key.copyFrom(plaintext.subarray(0, 32));
    plaintext.fill(0);
    await turn();
    const signature = bytes(64);
    key.read((opened) =>
      scratch.write((signed) => {
        secp256k1.ecdsaSign(digest, opened, {}, signed);
        signature.set(signed);
      }),
    );
    return verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  } finally {
    for (const secret of secrets) secret.dispose();
  }
}

/** @param {object} options */
async function storm(options) {
  const memory = createAllocator({ backend: open(), ...options });
  let verified = 0;
  /** @type {Record<string, number>} */
  const failedByCode = {};
  const all = Array.from({ length: requests }, (_, number) =>
    sign(memory, number).then(
      (good) => {
        if (good) verified += 1;
      },
      (error) => {
        failedByCode[codeOf(error)] = (failedByCode[codeOf(error)] ?? 0) + 1;
      },
    ),
  );
  await Promise.all(all);
  const { admission } = memory.stats();
  await memory.close();
  return { verified, failedByCode, admission };
}

/** How many pages the system lets this process lock: what shows that a limit binds at all. */
function pagesToBeHad() {
  const backend = open();
  let pages = 0;
  let refusal;
  for (; pages < 1000 && refusal === undefined; pages += 1) {
    try {
      backend.map(backend.pageByteLength);
    } catch (error) {
      refusal = /** @type {import('@securemem/core').SecureMemoryError} */ (error);
    }
  }
  backend[Symbol.dispose]();
  return { pages: pages - 1, code: refusal?.code, errno: refusal?.errno };
}

const limit = pagesToBeHad();
const pooled = await storm({ onCapacity: 'wait' });
const thrown = await storm({ onCapacity: 'throw', routing: { pooledByteLengthMax: 0 } });
await turn();
const again = pagesToBeHad();
writeFileSync(output, JSON.stringify({ limit, pooled, thrown, again, unhandledRejections }));
process.exit(0);
