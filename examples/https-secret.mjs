// A request whose header holds a secret, and a reply that holds one, over TLS without a string and without a copy that stays.
// The usual clients leave three to seven. Here both ends lie in pages: the request is written alone and in one piece, and what
// comes is received where it stays. Usage: https-secret.mjs URL POINTER TOKEN_FILE [CA_FILE], such as
//   https-secret.mjs https://vault:8200/v1/secret/data/app /data/data/password token ca.pem
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

/** @typedef {import('@securemem/core').Secret} Secret @typedef {import('@securemem/core').Allocations} Allocations */
/** @typedef {'untrusted' | 'connection' | 'timeout' | 'too-large' | 'malformed' | 'status'} Reason */
/** @typedef {{ token: Secret, pointer: string, ca?: string, header?: string, byteLengthMax?: number, waitMsMax?: number }} Options */

/** Of OpenSSL: wipe what was decrypted once it is read, or will never be. Node has no name for it. */
const CLEANSE_PLAINTEXT = 2;

/** Why there is no secret. Nothing of the request or the reply is in it, and nothing of either is left. */
export class HttpsSecretError extends Error {
  /** @param {Reason} code @param {string} message @param {unknown} [cause] */
  constructor(code, message, cause) {
    super(message, { cause });
    this.name = 'HttpsSecretError';
    this.code = code;
  }
}

/**
 * Sends GET with `token` in a header, `Authorization: Bearer ` unless told, and takes the string at `pointer` of the reply, which
 * is JSON, into a secret. The certificate must be of the name in `url`, and signed by one of the usual authorities or by `ca`.
 * The reply has `byteLengthMax` bytes at most with its head, 65,536 unless told, and comes whole within `waitMsMax`.
 * @param {import('@securemem/core').Allocator} memory @param {URL} url @param {Options} options @returns {Promise<Secret>}
 */
export function fetchSecret(memory, url, options) {
  const { pointer, ca, byteLengthMax = 65_536, waitMsMax = 10_000 } = options;
  return memory.phase(async (phase) => {
    const request = await requestOf(phase, url, options);
    // One byte more than there may be: a reply that fills it is too long.
    const reply = await phase.allocate(byteLengthMax + 1);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const target = { host, port: Number(url.port || 443), ...(ca !== undefined && { ca }) };
    const named = isIP(host) === 0 ? { ...target, servername: host } : target;
    const received = await exchange(named, request, reply, waitMsMax);
    const body = reply.write((bytes) => moveBody(bytes, received));
    reply.resize(body);
    const secret = await phase.fromJson(reply, pointer).catch((cause) => {
      throw malformed('is not JSON with a string at that place', cause);
    });
    return phase.keep(secret);
  });
}

/** The request as it goes out, in a page. @param {Allocations} phase @param {URL} url @param {Options} options */
async function requestOf(phase, url, { token, header = 'Authorization: Bearer ' }) {
  if (url.protocol !== 'https:') throw new TypeError('url must be one of https');
  if (!/^[\w-]+: ?(\w+ )?$/.test(header)) throw new TypeError('header must be a name and a colon');
  const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n`;
  const before = Buffer.from(`${head}Accept: application/json\r\nConnection: close\r\n${header}`);
  const after = Buffer.from('\r\n\r\n');
  const request = await phase.allocate(before.length + token.byteLength + after.length);
  token.read((bytes) => {
    // A line break would be the beginning of another header.
    if (bytes.some((byte) => byte < 0x21 || byte > 0x7e)) {
      throw new TypeError('token must be visible characters of ASCII');
    }
    request.write((target) => {
      target.set(before);
      target.set(bytes, before.length);
      target.set(after, before.length + bytes.length);
    });
  });
  return request;
}

/**
 * Sends the request once the server has shown who it is, and returns how many bytes came back. Both places stay lent until the
 * socket is closed: only then does nothing native point into them.
 * @param {import('node:tls').ConnectionOptions} target @param {Secret} request @param {Secret} reply @param {number} waitMsMax
 */
async function exchange(target, request, reply, waitMsMax) {
  const outgoing = request.lend();
  const incoming = reply.lend({ mode: 'write' });
  const room = incoming.bytes.length;
  let received = 0;
  // Never without room, or Node goes round and round: what is too long anyway may be written over.
  const buffer = () => incoming.bytes.subarray(received % room);
  /** @param {number} count */
  const callback = (count) => {
    received += count;
    if (received >= room) socket.destroy(tooLarge);
    return received < room;
  };
  const tls = { minVersion: /** @type {const} */ ('TLSv1.2'), secureOptions: CLEANSE_PLAINTEXT };
  // The types do not know it: data goes where `buffer` says, and is told of by `callback`.
  const socket = connect(Object.assign(tls, target, { onread: { buffer, callback } }));
  const tooLarge = new HttpsSecretError('too-large', `the reply has ${room} bytes or more`);
  const late = new HttpsSecretError('timeout', `no whole reply within ${waitMsMax} ms`);
  const timer = setTimeout(() => socket.destroy(late), waitMsMax);
  try {
    /** @type {unknown} */
    const failure = await new Promise((resolve) => {
      /** @type {unknown} */
      let reason;
      const send = () => socket.destroyed || socket.write(outgoing.bytes);
      // Alone in its write, and not in the middle of the handshake: what has to wait is copied, and nobody wipes that.
      socket.once('secureConnect', () => setImmediate(send));
      socket.on('error', (error) => (reason ??= error));
      socket.once('close', () => resolve(reason));
    });
    if (failure === undefined) return received;
    if (failure instanceof HttpsSecretError) throw failure;
    if (!socket.authorizationError)
      throw new HttpsSecretError('connection', 'the connection broke', failure);
    throw new HttpsSecretError(
      'untrusted',
      'the server did not show that it is the right one',
      failure,
    );
  } finally {
    clearTimeout(timer);
    incoming.release();
    outgoing.release();
    overwriteStack();
  }
}

/** Checks the head and moves the body to the front; returns its length. @param {Uint8Array} bytes @param {number} received */
function moveBody(bytes, received) {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, received);
  const end = view.indexOf('\r\n\r\n');
  if (end === -1) throw malformed('has no whole head');
  const [first = '', ...lines] = view.toString('latin1', 0, end).split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw malformed('is not HTTP');
  if (status !== '200') throw new HttpsSecretError('status', `the server answered ${status}`);
  /** @param {string} name */
  const fieldOf = (name) => {
    const found = lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
    if (found.length > 1) throw malformed(`says ${name} more than once`);
    return found[0]
      ?.slice(name.length + 1)
      .trim()
      .toLowerCase();
  };
  const length = fieldOf('content-length');
  const transfer = fieldOf('transfer-encoding');
  if (fieldOf('content-encoding') !== undefined) throw malformed('is encoded');
  if (transfer === 'chunked' && length === undefined) return joinChunks(bytes, view, end + 4);
  // Without a length nobody can tell a whole reply from one that was cut off.
  if (transfer !== undefined || !/^[1-9]\d{0,9}$/.test(length ?? ''))
    throw malformed('has no length');
  if (end + 4 + Number(length) !== received)
    throw malformed('does not have the length that it says');
  bytes.copyWithin(0, end + 4, received);
  return Number(length);
}

/** @param {Uint8Array} bytes @param {Buffer} view of what was received @param {number} start of the first chunk */
function joinChunks(bytes, view, start) {
  let joined = 0;
  for (let at = start; ; ) {
    const line = view.indexOf('\r\n', at);
    const size = /^([0-9a-f]{1,7})(?:;|$)/i.exec(
      view.toString('latin1', at, Math.min(line, at + 40)),
    );
    if (line === -1 || size === null) throw malformed('has a chunk without a length');
    const length = Number.parseInt(String(size[1]), 16);
    if (length === 0 && joined > 0) return joined;
    at = line + 2 + length;
    if (length === 0 || view.toString('latin1', at, at + 2) !== '\r\n')
      throw malformed('has a broken chunk');
    bytes.copyWithin(joined, line + 2, at);
    joined += length;
    at += 2;
  }
}

/** @param {string} what @param {unknown} [cause] */
function malformed(what, cause) {
  return new HttpsSecretError('malformed', `the reply ${what}`, cause);
}

/**
 * Node decrypts into 16 KiB of the C stack, where the last reply stays until something else lies there. The frames of a deep
 * recursion do. No promise of the language: the test of this program looks whether it is so.
 * @param {number} [depth] @returns {number}
 */
function overwriteStack(depth = 2_000) {
  const [a, b, c, d] = [depth, depth + 1, depth + 2, depth + 3];
  return depth === 0 ? 0 : overwriteStack(depth - 1) + a + b + c + d;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [address = '', pointer = '', tokenFile = '', caFile] = process.argv.slice(2);
  const memory = createAllocator({ backend: koffiBackend() });
  const token = await memory.fromFile(tokenFile, { trimNewline: true });
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') };
  const secret = await fetchSecret(memory, new URL(address), { token, pointer, ...ca });
  console.log(`took ${secret.byteLength} bytes; locked: ${secret.receipt.locked}`);
  await memory.close();
}
