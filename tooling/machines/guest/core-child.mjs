import { readFileSync, writeSync } from 'node:fs';
import { createAllocator, encrypt, hash, hmac, sign } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { MARK_BYTE_LENGTH, putMark } from './marks.mjs';

/**
 * core-child.mjs hold: has a mark in every kind of memory and crashes. core-child.mjs CONSUMER BACKEND: uses a secret over and over
 * until it is killed. Both say what is mapped where, since nobody can ask a dead process.
 */
const [what = '', backend = ''] = process.argv.slice(2);
const OPENINGS = {
  koffi: () => koffiBackend({ kernelHidden: 'off' }),
  napi: () => napiBackend({ kernelHidden: 'off' }),
  'napi-hidden': () => napiBackend({ kernelHidden: 'require' }),
};

/** @type {Readonly<Record<string, (secret: import('@securemem/core').Secret, memory: import('@securemem/core').Allocator) => unknown>>} */
const CONSUMERS = {
  hmac: (secret) => hmac('sha256', secret, 'message'),
  hash: (secret) => hash('sha256', secret),
  encrypt: (secret) => encrypt('aes-256-gcm', secret, new Uint8Array(64)),
  Ed25519: (secret) => sign('Ed25519', secret, 'message'),
  ES256: (secret) => sign('ES256', secret, 'message'),
  seal: (secret, memory) => {
    const copy = memory.allocateSync(secret.byteLength);
    copy.copyFrom(secret);
    const sealed = copy.seal();
    memory.openSync(sealed).dispose();
    sealed.dispose();
  },
};

/** @type {unknown[]} */
const kept = [];
if (what === 'hold') hold();
else use();

function hold() {
  for (const [owner, open] of Object.entries(OPENINGS)) {
    try {
      const memory = createAllocator({ backend: open() });
      secretOf(memory, /** @type {any} */ (owner));
      const store = memory.store();
      const bytes = new Uint8Array(new ArrayBuffer(MARK_BYTE_LENGTH));
      putMark(bytes, 'sealed');
      store.setSync('sealed', bytes);
      kept.push(store);
    } catch {
      // A kernel without hidden pages: the host of this program knows.
    }
  }
  const control = new Uint8Array(MARK_BYTE_LENGTH);
  putMark(control, 'buffer');
  kept.push(control);
  sayMappings();
  process.abort();
}

function use() {
  const open = OPENINGS[/** @type {keyof OPENINGS} */ (backend)];
  const memory = createAllocator({ backend: open() });
  const secret = secretOf(memory, 'koffi');
  const consume = CONSUMERS[what];
  if (consume === undefined) throw new Error(`no consumer is called ${what}`);
  consume(secret, memory);
  sayMappings();
  for (;;) consume(secret, memory);
}

/** @param {import('@securemem/core').Allocator} memory @param {import('./marks.mjs').Owner} owner */
function secretOf(memory, owner) {
  const secret = memory.allocateSync(MARK_BYTE_LENGTH);
  secret.write((bytes) => putMark(bytes, owner));
  kept.push(secret);
  return secret;
}

function sayMappings() {
  writeSync(1, `${readFileSync('/proc/self/maps', 'latin1')}\nready\n`);
}
