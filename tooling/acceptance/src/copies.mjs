/**
 * Every way into protected memory and every consumer, each with a random marker of its own: how many copies of it does a
 * scan of the whole process find outside the page? The answers are the table in `docs/COPIES.md`.
 */

import { createHmac, createSecretKey, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decrypt, encrypt, hash, hkdf, hmac, toKeyObject } from '@securemem/core';
import { keyConsumers, keyControls, keyResults } from './key-copies.mjs';
import {
  bytesOf,
  escaped,
  inJson,
  offHeap,
  withFile,
  withPipe,
  withSocket,
} from './marked-input.mjs';
import { createMarker, markerOf } from './memory-scan.mjs';

/** @typedef {import('./memory-scan.mjs').Marker} Marker */
/** @typedef {import('./copies.d.mts').CopyCase} CopyCase */
/** @typedef {import('@securemem/core').Allocator} Allocator */

/** Ways in. What they give is held while the scan runs, then disposed. @type {readonly CopyCase[]} */
const ways = [
  {
    name: '`adopt` of bytes outside the moving heap',
    into: (memory, marker) => memory.adopt(bytesOf(marker)),
  },
  {
    name: '`fromFile`',
    into: (memory, marker) => withFile(marker, (path) => memory.fromFile(path)),
  },
  {
    name: '`fromFd` of a pipe',
    into: (memory, marker) => withPipe(marker, (fd) => memory.fromFd(fd)),
  },
  {
    name: '`fromFd` of a pipe, growing four times',
    byteLength: 10_000,
    into: (memory, marker) => withPipe(marker, (fd) => memory.fromFd(fd)),
  },
  {
    name: '`fromFd` of a socket',
    into: (memory, marker) => withSocket(marker, (fd) => memory.fromFd(fd)),
  },
  {
    name: '`fromHex`',
    text: 'hex',
    into: (memory, marker) => memory.fromHex(bytesOf(marker.asText('hex'))),
  },
  {
    name: '`fromBase64`',
    text: 'base64',
    into: (memory, marker) => memory.fromBase64(bytesOf(marker.asText('base64'))),
  },
  {
    name: '`fromFile`, then `fromHex` of that secret',
    text: 'hex',
    into: (memory, marker) =>
      withFile(marker.asText('hex'), async (path) => {
        const text = await memory.fromFile(path);
        return hexOf(memory, text);
      }),
  },
  {
    name: '`fromJson` of a file, then `fromHex` of that secret',
    text: 'hex',
    into: (memory, marker) => viaJson(memory, inJson(marker.asText('hex'))),
  },
  {
    name: '`fromJson` of a file with escapes, then `fromHex` of that secret',
    text: 'hex',
    into: (memory, marker) => viaJson(memory, inJson(escaped(marker.asText('hex')))),
  },
  {
    name: '`fromJson` of a secret, then `fromHex` of that secret',
    text: 'hex',
    into: (memory, marker) =>
      withFile(inJson(marker.asText('hex')), async (path) => {
        const document = await memory.fromFile(path);
        const text = await memory.fromJson(document, '/data/key');
        document.dispose();
        return hexOf(memory, text);
      }),
  },
  {
    name: '`copyFrom` of another secret',
    async into(memory, marker) {
      const source = memory.adoptSync(bytesOf(marker));
      const secret = memory.allocateSync(marker.byteLength);
      secret.copyFrom(source);
      source.dispose();
      return secret;
    },
  },
  {
    name: '`resize`, moving',
    async into(memory, marker) {
      const secret = memory.adoptSync(bytesOf(marker));
      secret.resize(5000);
      secret.resize(marker.byteLength);
      return secret;
    },
  },
  {
    name: '`seal`, then `open`',
    into: (memory, marker) => memory.open(memory.adoptSync(bytesOf(marker)).seal()),
  },
];

/** @param {Allocator} memory @param {import('./marked-input.mjs').Input} document */
const viaJson = (memory, document) =>
  withFile(document, async (path) => hexOf(memory, await memory.fromJson(path, '/data/key')));

/** @param {Allocator} memory @param {import('@securemem/core').Secret} text */
async function hexOf(memory, text) {
  const secret = await memory.fromHex(text);
  text.dispose();
  return secret;
}

/** A case of refusal shows nothing unless there is one. @param {string} code @param {Promise<unknown>} call */
async function mustBeRefused(code, call) {
  const reason = await call.then(
    () => 'it was accepted',
    (error) => error,
  );
  if (reason.code !== code)
    throw new Error(`it should have been refused with ${code}`, { cause: reason });
}

/**
 * What node:crypto frees without wiping it is soon overwritten when it is short, and stays to be found when it is long.
 */
const LONG_BYTE_LENGTH = 1_000;

/** @typedef {import('@securemem/core').AeadAlgorithm} AeadAlgorithm @typedef {import('@securemem/core').Secret} Secret */

/** @param {AeadAlgorithm} algorithm @param {Secret} key @param {Secret} plaintext */
async function refuseChanged(algorithm, key, plaintext) {
  const message = encrypt(algorithm, key, plaintext);
  message[message.length - 1] = Number(message.at(-1)) ^ 1;
  await mustBeRefused('ERR_SECMEM_UNSEAL_FAILED', decrypt(algorithm, key, message));
}

/** Consumers: the secret is the marker, and what they return is held while the scan runs. @type {readonly CopyCase[]} */
const consumers = [
  { name: '`read`', use: (secret) => secret.read((bytes) => bytes.length) },
  { name: '`write`', use: (secret) => secret.write((bytes) => bytes.length) },
  {
    name: '`lend`, released',
    use(secret) {
      const lease = secret.lend();
      lease.release();
    },
  },
  { name: '`equals`', use: (secret, { other }) => secret.equals(other) },
  { name: '`hmac`', use: (secret) => hmac('sha256', secret, 'data') },
  { name: '`hash`', use: (secret) => hash('sha256', secret) },
  { name: '`hkdf`, of the key', use: (secret) => hkdf('sha256', secret, { byteLength: 64 }) },
  ...['aes-256-gcm', 'chacha20-poly1305'].flatMap((name) => {
    const algorithm = /** @type {AeadAlgorithm} */ (name);
    /** @type {CopyCase[]} */
    const cases = [
      {
        name: `\`encrypt\` by ${algorithm}, of the key`,
        use: (secret, { other }) => encrypt(algorithm, secret, other),
      },
      {
        name: `\`encrypt\` by ${algorithm} of ordinary bytes, of the key`,
        use: (secret) => encrypt(algorithm, secret, new Uint8Array(new ArrayBuffer(1_000))),
      },
      {
        name: `\`encrypt\` by ${algorithm}, of the plaintext`,
        use: (secret, { other }) => encrypt(algorithm, other, secret),
      },
      {
        name: `\`decrypt\` by ${algorithm}, of the key`,
        use: (secret, { other }) => decrypt(algorithm, secret, encrypt(algorithm, secret, other)),
      },
      {
        name: `\`decrypt\` by ${algorithm}, refused, of the plaintext`,
        use: (secret, { other }) => refuseChanged(algorithm, other, secret),
      },
      {
        name: `\`decrypt\` by ${algorithm}, refused, of a plaintext of 1,000 bytes`,
        byteLength: LONG_BYTE_LENGTH,
        use: (secret, { other }) => refuseChanged(algorithm, other, secret),
      },
    ];
    return cases;
  }),
  { name: '`seal`', use: (secret) => secret.seal() },
  ...keyConsumers,
];

/** Secrets that a consumer makes: the marker is taken from the result. @type {readonly CopyCase[]} */
const results = [
  {
    name: '`random`, of the result',
    into: (memory) => memory.random(32),
    own: true,
  },
  {
    name: '`hkdf`, of the result',
    into: (memory) => hkdf('sha256', memory.randomSync(32), { byteLength: 32 }),
    own: true,
  },
  ...['aes-256-gcm', 'chacha20-poly1305'].flatMap((name) => {
    const algorithm = /** @type {AeadAlgorithm} */ (name);
    /** @type {CopyCase} */
    const result = {
      name: `\`decrypt\` by ${algorithm}, of the result`,
      async into(memory, marker) {
        const key = memory.randomSync(32);
        const plaintext = memory.adoptSync(bytesOf(marker));
        const message = encrypt(algorithm, key, plaintext);
        plaintext.dispose();
        return decrypt(algorithm, key, message);
      },
    };
    const long = {
      ...result,
      name: `\`decrypt\` by ${algorithm}, of a result of 1,000 bytes`,
      byteLength: LONG_BYTE_LENGTH,
    };
    return [result, long];
  }),
  ...keyResults,
];

/** Copies that are asked for by name, and what people do instead: the scan finds those. @type {readonly CopyCase[]} */
const controls = [
  { name: '`exportCopy`, not wiped', use: (secret) => secret.exportCopy() },
  { name: '`exportCopy`, wiped', use: (secret) => secret.exportCopy().fill(0) },
  { name: '`toKeyObject`', use: (secret) => toKeyObject(secret) },
  {
    name: '`crypto.createSecretKey(view)`',
    use: (secret) => secret.read((bytes) => createSecretKey(bytes)),
  },
  {
    name: '`crypto.createHmac(…, view)`',
    use: (secret) => secret.read((bytes) => createHmac('sha256', bytes).update('data').digest()),
  },
  {
    name: '`crypto.subtle.importKey` of a lease',
    async use(secret) {
      const lease = secret.lend();
      const algorithm = { name: 'HMAC', hash: 'SHA-256' };
      const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (lease.bytes);
      const key = await webcrypto.subtle.importKey('raw', bytes, algorithm, false, ['sign']);
      lease.release();
      return key;
    },
  },
  { name: '`Buffer.from(view)`', use: (secret) => secret.read((bytes) => Buffer.from(bytes)) },
  {
    name: '`Buffer.from(view).toString()`, the buffer wiped',
    use: (secret) =>
      secret.read((bytes) => {
        const copy = Buffer.from(bytes);
        const text = copy.toString('latin1');
        copy.fill(0);
        return text;
      }),
  },
  {
    name: '`readFileSync`, then `adopt`',
    into: (memory, marker) => withFile(marker, (path) => memory.adopt(readFileSync(path))),
  },
  {
    name: "`readFileSync(path, 'latin1')`, then `adopt`",
    async into(memory, marker) {
      const text = await withFile(marker, (path) => readFileSync(path, 'latin1'));
      kept.push(text);
      return memory.adopt(Buffer.from(text, 'latin1'));
    },
  },
  ...keyControls,
];

/**
 * Input that is refused once it was read or decoded. @type {Record<string, (memory: Allocator, marker: Marker) => Promise<unknown>>}
 */
const refusals = {
  'a file of another length': (memory, marker) =>
    withFile(marker, (path) => memory.fromFile(path, { byteLength: 31 })),
  'a pipe that is too long': (memory, marker) =>
    withPipe(marker, (fd) => memory.fromFd(fd, { byteLengthMax: marker.byteLength - 1 })),
  'a socket that is too long': (memory, marker) =>
    withSocket(marker, (fd) => memory.fromFd(fd, { byteLengthMax: marker.byteLength - 1 })),
  'text with one bad digit': async (memory, marker) => {
    const text = marker.asText('hex');
    const bytes = offHeap(text.byteLength + 2).fill(0x21);
    text.fill(bytes);
    try {
      return await memory.fromHex(bytes);
    } finally {
      bytes.fill(0);
    }
  },
};

/** Refusals of a document that holds the marker as hexadecimal text. @type {typeof refusals} */
const jsonRefusals = {
  'a document that is broken behind the string': (memory, marker) =>
    withFile(inJson(marker.asText('hex'), '}'), (path) => memory.fromJson(path, '/data/key')),
  'a document without the member': (memory, marker) =>
    withFile(inJson(marker.asText('hex')), (path) => memory.fromJson(path, '/data/none')),
};

/** @type {import('./copies.d.mts').measureRefusals} */
export async function measureRefusals(memory) {
  /** @type {Record<string, number>} */
  const copies = {};
  for (const [name, ingest] of Object.entries({ ...refusals, ...jsonRefusals })) {
    const marker = createMarker();
    await mustBeRefused('ERR_SECMEM_INPUT_INVALID', ingest(memory, marker));
    copies[name] = marker.count() + marker.asText('hex').count();
  }
  return copies;
}

/** Strings that a program keeps, as programs do. @type {unknown[]} */
const kept = [];

/** @type {import('./copies.d.mts').measureCopies} */
export async function measureCopies(memory) {
  const rows = [];
  for (const [group, cases] of Object.entries({ ways, consumers, results, controls })) {
    for (const one of cases) {
      rows.push({ group, name: one.name, ...(await measure(memory, one)) });
    }
  }
  kept.length = 0;
  return rows;
}

/** @param {Allocator} memory @param {CopyCase} one */
async function measure(memory, one) {
  const planted = createMarker(one.byteLength ?? 32);
  const other = memory.randomSync(32);
  const secret = await (one.into?.(memory, planted) ?? memory.adopt(bytesOf(planted)));
  const marker = one.own === true ? secret.read(markerOf) : planted;
  // Before anything is calculated: by then a copy could not be told from a form of it.
  const forms = [marker.reversed(), ...(one.forms?.(secret) ?? [])];
  const result = await one.use?.(secret, { other });
  const inPage = secret.disposed || secret.receipt.kernelHidden ? 0 : 1;
  const found = marker.find();
  if (found.filter((hit) => hit.locked).length !== inPage) {
    throw new Error(`${one.name}: the scan does not find the page`);
  }
  const text = one.text === undefined ? 0 : marker.asText(one.text).count();
  const count = () => forms.reduce((sum, form) => sum + form.count(), 0);
  const turned = count();
  secret.dispose();
  const after = marker.count() + count();
  other.dispose();
  kept.push(result);
  return { held: found.length - inPage + text + turned, after: after + text };
}
