// An agent acts for many users and holds a credential of each. They lie sealed in ordinary memory; only those in use at this
// moment take locked memory, and each is gone a while after it was fetched.
import { createAllocator, hmac, isSecureMemoryError } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const memory = createAllocator({ backend: koffiBackend() });
const credentials = memory.store({ hotMax: 8, entriesMax: 10_000 });

/** Stands for the service that issues credentials. Bytes, never a string: `set` wipes them.
 *  @param {string} user */
async function issue(user) {
  const bytes = new Uint8Array(new ArrayBuffer(32));
  bytes.fill(user.charCodeAt(0));
  return bytes;
}

/** Signs a request of a user, with the credential that is there or a new one.
 *  @param {string} user @param {string} request */
async function sign(user, request) {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await credentials.use(user, (key) => hmac('sha256', key, request).toString('hex'));
    } catch (error) {
      // Never fetched, or expired. Anything else is not ours to mend.
      if (!isSecureMemoryError(error, 'ERR_SECMEM_DISPOSED')) throw error;
      await credentials.set(user, await issue(user), { ttlMs: 60_000 });
    }
  }
  throw new Error(`the credential of ${user} does not stay`);
}

const users = Array.from({ length: 500 }, (_, i) => `user-${i}`);
const signatures = await Promise.all(users.map((user) => sign(user, 'GET /inbox')));

const { entries, open } = credentials.stats();
const { lockedByteLength } = memory.stats().primary;
console.log(`${signatures.length} signed; ${entries} credentials held, ${open} of them open`);
console.log(`${lockedByteLength} locked bytes`);

credentials.dispose();
await memory.close();
