/** Says in one line of JSON whether this runtime has references, and what a request for one comes to. Runs in Bun and Deno too. */
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';

const backend = napiBackend();
const { keyReferences } = backend.capabilities;
const memory = createAllocator({ backend });
let code = 'none';
try {
  toTlsKey(memory.randomSync(32), { type: 'P-256', tlsOnly: true });
} catch (error) {
  code = /** @type {NodeJS.ErrnoException} */ (error).code ?? String(error);
}
console.log(JSON.stringify({ keyReferences, code }));
