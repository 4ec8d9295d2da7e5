// Copied into the project of a runtime and run there: limits.mjs BACKEND OUTPUT. Maps until the system refuses, and tries
// what Windows cannot keep a lock through.
import { writeFileSync } from 'node:fs';

const [backendName = '', output = ''] = process.argv.slice(2);
const { open } = await import(`./open-${backendName}.mjs`);
const backend = open();
const regions = [];
let refusal;
while (refusal === undefined && regions.length < 10_000) {
  try {
    regions.push(backend.map(65_536));
  } catch (error) {
    refusal = /** @type {import('@securemem/core').SecureMemoryError} */ (error);
  }
}
let closed = 'done';
try {
  backend.protect(regions[0], 'no-access');
} catch (error) {
  closed = /** @type {import('@securemem/core').SecureMemoryError} */ (error).code;
}
backend.unmap(regions.pop());
const again = backend.map(65_536) > 0;
const { protection } = backend.capabilities;
const { code, errno } = refusal ?? {};
writeFileSync(output, JSON.stringify({ code, errno, closed, again, protection }));
process.exit(0);
