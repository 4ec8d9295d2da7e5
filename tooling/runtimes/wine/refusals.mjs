// Copied into the project of a runtime and run there: refusals.mjs napi OUTPUT NUMBER... With a build of the addon whose calls
// can be made to fail: what becomes of a map when VirtualLock gives each of these numbers.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [backendName = '', output = '', ...numbers] = process.argv.slice(2);
process.env['@SECUREMEM/NAPI_PREBUILD'] = resolve('faults');
const { open } = await import(`./open-${backendName}.mjs`);
const backend = open();
const load = createRequire(import.meta.url)('node-gyp-build');
const { setFault } = load('node_modules/@securemem/napi');

/** VirtualAlloc to reserve and to commit come first. */
const VIRTUAL_LOCK = 3;

/** @param {number} number */
function refusedWith(number) {
  setFault(VIRTUAL_LOCK, number);
  try {
    backend.map(backend.pageByteLength);
    return 'mapped';
  } catch (error) {
    const { code, errno, syscall } = /** @type {import('@securemem/core').SecureMemoryError} */ (
      error
    );
    return { code, errno, syscall };
  }
}

const refusals = numbers.map((number) => refusedWith(Number(number)));
setFault(0, 0);
const mapsAgain = backend.map(backend.pageByteLength) > 0;
writeFileSync(output, JSON.stringify({ refusals, mapsAgain }));
process.exit(0);
