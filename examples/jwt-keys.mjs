// JSON Web Tokens (HS256) whose keys never leave locked memory, with rotation: new tokens are signed with the newest key, older
// ones verify until their key is retired.
import { timingSafeEqual } from 'node:crypto';
import { createAllocator, hmac } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

/** @param {string | Uint8Array} data */
const base64url = (data) => Buffer.from(data).toString('base64url');

class Keys {
  /** @type {Map<string, import('@securemem/core').Secret>} */
  #keys = new Map();
  #newest = '';
  #memory;

  /** @param {import('@securemem/core').Allocator} memory */
  constructor(memory) {
    this.#memory = memory;
  }

  /** @param {string} id */
  async rotate(id) {
    this.#keys.set(id, await this.#memory.random(32));
    this.#newest = id;
  }

  /** @param {string} id */
  retire(id) {
    this.#keys.get(id)?.dispose();
    this.#keys.delete(id);
  }

  /** @param {object} claims */
  sign(claims) {
    const kid = this.#newest;
    const header = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid }));
    const signed = `${header}.${base64url(JSON.stringify(claims))}`;
    return `${signed}.${base64url(this.#mac(kid, signed))}`;
  }

  /** The claims, or undefined for a token that is not ours. @param {string} token */
  verify(token) {
    const [header = '', body = '', signature = '', ...more] = token.split('.');
    if (more.length > 0) return undefined;
    try {
      const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
      if (alg !== 'HS256' || !this.#keys.has(kid)) return undefined;
      const expected = this.#mac(kid, `${header}.${body}`);
      const given = Buffer.from(signature, 'base64url');
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      return JSON.parse(Buffer.from(body, 'base64url').toString());
    } catch {
      return undefined;
    }
  }

  /** A retired key is an error here, never an empty key. @param {string} id @param {string} data */
  #mac(id, data) {
    const key = this.#keys.get(id);
    if (key === undefined) throw new Error(`no key ${id}`);
    return hmac('sha256', key, data);
  }
}

const memory = createAllocator({ backend: koffiBackend() });
const keys = new Keys(memory);

await keys.rotate('2026-10');
const early = keys.sign({ sub: 'ada' });
await keys.rotate('2026-11');
const late = keys.sign({ sub: 'ada' });
console.log('early:', keys.verify(early), 'late:', keys.verify(late));

keys.retire('2026-10');
console.log('early, after its key was retired:', keys.verify(early));
console.log('forged:', keys.verify(`${late.slice(0, -2)}AA`));
await memory.close();
