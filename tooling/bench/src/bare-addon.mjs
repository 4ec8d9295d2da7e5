import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const source = fileURLToPath(new URL('../native/bare.c', import.meta.url));
const directory = fileURLToPath(new URL('../.cache', import.meta.url));

/**
 * @typedef {object} BareAddon
 * @property {() => void} createAndDetach
 * @property {() => void} protectPair
 * @property {() => void} mapLockPair
 * @property {() => void} holdPage throws what the kernel said; nothing has changed then
 * @property {() => void} releasePages
 */

/**
 * The references in plain C, compiled when they are first needed. Throws where there is no compiler.
 * @returns {BareAddon}
 */
export function bareAddon() {
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const file = join(directory, `bare-${process.arch}-${digest}.node`);
  if (!existsSync(file)) compile(file);
  return require(file);
}

/** @param {string} file */
function compile(file) {
  mkdirSync(directory, { recursive: true });
  const headers = join(dirname(require.resolve('node-api-headers/package.json')), 'include');
  const defines = ['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=bare'];
  const args = ['-O2', '-fPIC', '-shared', ...defines, '-I', headers, source, '-o', file];
  const result = spawnSync('cc', args, { encoding: 'utf8' });
  if (result.error !== undefined) throw new Error('no C compiler (cc) to build the reference with');
  if (result.status !== 0) throw new Error(`cc failed: ${result.stderr}`);
}
